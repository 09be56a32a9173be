import type { RecordId } from '@x0t/dao'
import { shortId } from '../commands/dao/find-by-prefix.ts'
import { count } from './dao-words.ts'
import { safe } from './node.ts'
import { columns, facts } from './table.ts'

/** Result of `dao export`. */
export interface ExportedBundle {
  readonly file: string
  readonly dao: RecordId
  readonly records: number
  readonly bytes: number
}

export function exportedBundleView({ file, dao, records, bytes }: ExportedBundle): string {
  return facts([
    ['file', file],
    ['DAO', shortId(dao)],
    ['holds', `${count(records, 'record')}, ${bytes} B`],
  ])
}

/** Result of `dao import` and of `dao vote --submit`. */
export interface ImportedBundle {
  readonly file: string
  readonly dao: RecordId
  readonly read: number
  readonly added: number
  readonly known: number
  /** Records that were not taken, and why (an error code). */
  readonly refused: readonly { readonly id: RecordId; readonly code: string }[]
}

export function importedBundleView({ file, dao, read, added, known, refused }: ImportedBundle): string {
  const head = facts([
    ['file', file],
    ['DAO', shortId(dao)],
    ['read', count(read, 'record')],
    ['new', String(added)],
    ['known', String(known)],
    ['refused', String(refused.length)],
  ])
  if (refused.length === 0) return head
  const table = columns(
    ['REFUSED', 'WHY'],
    refused.map(({ id, code }) => [shortId(id), code]),
  )
  return `${head}\n\n${table}`
}

/** One record that one side has and the other lacks. */
export interface DifferingRecord {
  readonly id: RecordId
  readonly kind: string
  readonly author: string
  readonly lane: string
  readonly seq: number
}

/** Result of `dao diff`. */
export interface BundleDiff {
  readonly a: string
  readonly b: string
  readonly common: number
  readonly onlyA: readonly DifferingRecord[]
  readonly onlyB: readonly DifferingRecord[]
}

export function bundleDiffView({ a, b, common, onlyA, onlyB }: BundleDiff): string {
  const head = facts([
    ['in both', String(common)],
    [`only in ${safe(a)}`, String(onlyA.length)],
    [`only in ${safe(b)}`, String(onlyB.length)],
  ])
  const rows = [...onlyA.map((one) => ['<', one] as const), ...onlyB.map((one) => ['>', one] as const)]
  if (rows.length === 0) return head
  const table = columns(
    ['', 'RECORD', 'KIND', 'AUTHOR', 'NUMBER'],
    rows.map(([side, { id, kind, author, seq }]) => [
      side,
      shortId(id),
      kind,
      author.slice(0, 10),
      String(seq),
    ]),
  )
  return `${head}\n\n${table}`
}
