import type { Btf } from './btf.ts'

const longestLine = 65_536

/** What the kernel puts in the place of an access that CO-RE did not find: a call of 0xbad2310 (kernel/bpf/relo_core.c). */
const unknownField = 'unknown#195896080'

/** Where an instruction comes from. */
interface SourceLine {
  readonly instruction: number
  readonly text: string
}

/**
 * The verifier's log with `file:line: source` before the instructions of each line.
 * @param lineRecords struct bpf_line_info of the program
 */
export function annotateLog(
  log: string,
  btf: Btf | undefined,
  lineRecords: Uint8Array,
  recordBytes: number,
): string {
  const lines = btf === undefined ? [] : readSourceLines(btf, lineRecords, recordBytes)
  if (lines.length === 0) return log
  const result: string[] = []
  let last: string | undefined
  for (const line of log.split('\n')) {
    // The kernel has the source too, before Linux 6.8 without file and line.
    if (line.startsWith('; ')) continue
    const match = /^(\d+): \([\da-f]{2}\)/.exec(line)
    const source = match === null ? undefined : lineOf(lines, Number(match[1]))
    if (source !== undefined && source !== last) {
      result.push(source)
      last = source
    }
    result.push(line)
  }
  return result.join('\n')
}

function readSourceLines(btf: Btf, records: Uint8Array, recordBytes: number): readonly SourceLine[] {
  if (recordBytes < 16) return []
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength)
  const lines: SourceLine[] = []
  for (let at = 0; at + recordBytes <= records.length; at += recordBytes) {
    const file = btf
      .text(view.getUint32(at + 4, true))
      .split('/')
      .at(-1)!
    const source = btf.text(view.getUint32(at + 8, true), longestLine).trim()
    lines.push({
      instruction: view.getUint32(at, true),
      text: `${file}:${view.getUint32(at + 12, true) >>> 10}: ${source}`,
    })
  }
  return lines.toSorted((a, b) => a.instruction - b.instruction)
}

function lineOf(lines: readonly SourceLine[], instruction: number): string | undefined {
  return lines.findLast((line) => line.instruction <= instruction)?.text
}

/** Source line of the last instruction that the verifier looked at: where it gave up. */
export function lastSourceLine(log: string): string | undefined {
  return log.split('\n').findLast((line) => /^[^\s:]+:\d+: /.test(line) && !/^\d+:/.test(line))
}

/** What the verifier says at the end, without its statistics: the reason. */
export function reasonOf(log: string): string | undefined {
  const reason = log
    .split('\n')
    .findLast(
      (line) =>
        line.trim() !== '' && !/^(processed \d|verification time|stack depth|\d+: |from \d)/.test(line),
    )
    ?.trim()
  return reason?.includes(unknownField) === true ? 'this kernel has no such structure or field' : reason
}
