import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { RecordId, SignedRecord } from '@x0t/dao'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import type { DifferingRecord } from '../../views/dao-bundle.ts'

export function registerDiff(dao: Command, context: CommandContext): void {
  dao
    .command('diff')
    .argument('<a>', 'a bundle, or the home of a node')
    .argument('<b>', 'another')
    .description('say which records one has that the other lacks; exit code 3 if they differ')
    .action(async (a: string, b: string) => {
      const [ofA, ofB] = await Promise.all([recordsOf(a), recordsOf(b)])
      const lacking = (one: ReadonlyMap<RecordId, DifferingRecord>, other: ReadonlyMap<RecordId, unknown>) =>
        [...one.values()].filter(({ id }) => !other.has(id)).toSorted(byPlace)
      const onlyA = lacking(ofA, ofB)
      const onlyB = lacking(ofB, ofA)
      const { bundleDiffView } = await import('../../views/dao-bundle.ts')
      context.output().result({ a, b, common: ofA.size - onlyA.length, onlyA, onlyB }, bundleDiffView)
      if (onlyA.length + onlyB.length > 0) context.exitCode(exitCodes.wanting)
    })
}

async function recordsOf(path: string): Promise<ReadonlyMap<RecordId, DifferingRecord>> {
  const { openRecordStore, readBundle } = await import('@x0t/dao')
  const records = new Map<RecordId, DifferingRecord>()
  const add = ({ id, record }: SignedRecord): void => {
    const { kind, author, lane, seq } = record
    records.set(id, { id, kind, author, lane, seq })
  }
  const storeFile = [path, join(path, 'dao.sqlite')].find((one) => one.endsWith('.sqlite') && existsSync(one))
  if (storeFile === undefined) {
    for await (const record of readBundle(path)) add(record)
    return records
  }
  await using store = await openRecordStore(storeFile)
  for await (const record of store.all()) add(record)
  return records
}

function byPlace(one: DifferingRecord, other: DifferingRecord): number {
  return one.author.localeCompare(other.author) || one.lane.localeCompare(other.lane) || one.seq - other.seq
}
