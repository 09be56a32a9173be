import type { JsonValue } from '@x0t/bpf'
import { columns } from './table.ts'

interface Dump {
  readonly object: string
  readonly map: string
  readonly type: string
  readonly entries: readonly { readonly key: JsonValue; readonly value: JsonValue }[]
}

/** Entries as a table: a column for each field of the keys and the values. */
export function dumpView({ object, map, type, entries }: Dump): string {
  if (entries.length === 0) return `${object}/${map} (${type}) has no such entries`
  const rows = entries.map(({ key, value }) => ({ key: flat(key, 'key'), value: flat(value, 'value') }))
  const names = (side: 'key' | 'value'): string[] => [
    ...new Set(rows.flatMap((row) => [...row[side].keys()])),
  ]
  const [keyNames, valueNames] = [names('key'), names('value')]
  return columns(
    [...keyNames, ...valueNames].map((name) => name.toUpperCase()),
    rows.map(({ key, value }) => [
      ...keyNames.map((name) => key.get(name) ?? ''),
      ...valueNames.map((name) => value.get(name) ?? ''),
    ]),
  )
}

/** Fields of nested structs by their path; lists stay together. */
function flat(value: JsonValue, path: string, prefix = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return new Map([[path, textOf(value)]])
  return new Map(
    Object.entries(value).flatMap(([field, inner]) => [
      ...flat(inner, `${prefix}${field}`, `${prefix}${field}.`),
    ]),
  )
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
