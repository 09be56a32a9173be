import { parse, TomlError } from 'smol-toml'
import type { RawValue } from './kind.ts'

/** Most bytes of a configuration file. */
export const maxConfigBytes = 65_536

/** A key of the file with its raw value and its line, counted from 1 (0 where it cannot be told). */
export interface FileEntry {
  readonly section: string
  readonly key: string
  readonly value: unknown
  readonly line: number
}

/** What a file says, or the one reason why it cannot be read. */
export type FileContent =
  | { readonly kind: 'entries'; readonly entries: readonly FileEntry[] }
  | { readonly kind: 'broken'; readonly line: number; readonly problem: string }

/** Parses a configuration file into entries of section and key; knows nothing of settings. */
export function parseConfigFile(text: string): FileContent {
  if (Buffer.byteLength(text) > maxConfigBytes)
    return { kind: 'broken', line: 1, problem: `larger than ${maxConfigBytes} bytes` }
  let document: Record<string, unknown>
  try {
    document = parse(text, { maxDepth: 8 } as Parameters<typeof parse>[1])
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const problem = error.message.split('\n')[0]!.replace('Invalid TOML document: ', '')
    return { kind: 'broken', line: error.line, problem }
  }
  const entries: FileEntry[] = []
  for (const [section, table] of Object.entries(document)) {
    if (!isTable(table))
      entries.push({ section: '', key: section, value: table, line: lineOf(text, '', section) })
    else if (Object.keys(table).length === 0)
      entries.push({ section, key: '', value: undefined, line: lineOf(text, section, '') })
    else
      for (const [key, value] of Object.entries(table))
        entries.push({ section, key, value, line: lineOf(text, section, key) })
  }
  return { kind: 'entries', entries }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

/** Line of `key` in `[section]`, by a scan of the plain ways to write it; the header's line, or 0, if it is not found. */
function lineOf(text: string, section: string, key: string): number {
  let current = ''
  let headerLine = 0
  for (const [index, line] of text.split('\n').entries()) {
    const header = /^\s*\[\s*(.+?)\s*\]/.exec(line)
    if (header !== null) {
      current = bare(header[1]!)
      if (current === section) headerLine ||= index + 1
      continue
    }
    const assigned = /^\s*([^=#]+?)\s*=/.exec(line)
    if (assigned === null) continue
    const name = bare(assigned[1]!)
    if (current === section && name === key) return index + 1
    if (current === '' && (name === `${section}.${key}` || name === section)) return index + 1
  }
  return headerLine
}

/** A key without quotes and without spaces round its dots. */
function bare(name: string): string {
  return name.replaceAll(/["']/g, '').replaceAll(/\s*\.\s*/g, '.')
}

/** A raw value as TOML. */
export function toToml(value: RawValue): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
}
