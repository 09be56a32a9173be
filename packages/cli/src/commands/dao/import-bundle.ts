import { X0tError } from '@x0t/core'
import type { RecordId, SignedRecord } from '@x0t/dao'
import type { ImportedBundle } from '../../views/dao-bundle.ts'
import type { OpenDao } from './open-dao.ts'

/** Copies of one record under different signatures that are looked at. */
const maxCopies = 4

export interface ImportBundleOptions {
  /** The DAO that it must be of, where the home has none yet. */
  readonly expected?: string
  /** Take what is whole of a bundle that was cut off. */
  readonly isPartial?: boolean
  /** A code why a record is not taken, if it is not. */
  readonly refuse?: (record: SignedRecord) => string | undefined
}

/**
 * Takes the records of a bundle into the store of a home. Records whose signature does not hold, of another DAO or of
 * somebody unknown are refused and not kept; what counts for nothing is kept, as it may be a proof.
 * @throws X0tError DAO_GENESIS_MISSING, DAO_OTHER_DAO and what `readBundle` throws
 */
export async function importBundle(
  dao: OpenDao,
  file: string,
  { expected, isPartial = false, refuse }: ImportBundleOptions = {},
): Promise<ImportedBundle> {
  const { createReplay, createVerifier, findGenesis, verifyRecord } = await import('@x0t/dao')
  const copies = await readRecords(file, isPartial)
  const records = copies.map(([first]) => first!)
  const kept = await Array.fromAsync(dao.store.all())
  const wanted = kept.find(({ record }) => record.kind === 'genesis')?.id ?? expected
  const genesis = findGenesis([...kept, ...records], wanted as RecordId | undefined)
  const known = new Set(kept.map(({ id }) => id))
  const refused: { readonly id: RecordId; readonly code: string }[] = []
  const fresh = records.filter((record) => {
    if (known.has(record.id)) return false
    const code = refuse?.(record)
    if (code !== undefined) refused.push({ id: record.id, code })
    return code === undefined
  })
  await using verifier = createVerifier()
  const replay = createReplay(genesis)
  const isFresh = new Set(fresh.map(({ id }) => id))
  const copiesOf = new Map(copies.map((all) => [all[0]!.id, all]))
  await replay.addAll([...kept, ...copies.filter(([first]) => isFresh.has(first!.id)).flat()], { verifier })
  const { rejected: all, members } = replay.state()
  const rejected = new Map(all.map((one) => [one.id, one]))
  /** The copy that its author's present keys signed: an id says nothing of the signature beside it. */
  const signedCopy = ({ id, record }: SignedRecord): SignedRecord | undefined => {
    const keys = members.get(record.author)?.keys
    return keys && copiesOf.get(id)!.find((copy) => verifyRecord(copy, keys))
  }
  const good: SignedRecord[] = []
  for (const record of fresh) {
    const reason = rejected.get(record.id)
    const isSole = copiesOf.get(record.id)!.length === 1
    // What waits for a record that another bundle brings is kept if its author is known to have signed it: an unsigned
    // copy would keep the signed one out for ever.
    const held = replay.has(record.id) && isSole ? record : signedCopy(record)
    if (held !== undefined && (replay.has(record.id) || reason?.isWaiting === true)) good.push(held)
    else refused.push({ id: record.id, code: reason?.code ?? 'DAO_RECORD_REFUSED' })
  }
  // The genesis first: a home that is cut off here holds a DAO, if a small one.
  good.sort((one, other) => Number(other.id === genesis.id) - Number(one.id === genesis.id))
  const puts = await Promise.all(
    good.map(async (record) => {
      try {
        return await dao.store.put(record)
      } catch (error) {
        if (!(error instanceof X0tError) || error.code !== 'DAO_TOO_MANY_RECORDS') throw error
        refused.push({ id: record.id, code: error.code })
        return false
      }
    }),
  )
  return {
    file,
    dao: genesis.id,
    read: records.length,
    added: puts.filter(Boolean).length,
    known: records.filter(({ id }) => known.has(id)).length,
    refused,
  }
}

/** The records of a bundle, each with its copies that bear another signature; of those a few are enough. */
async function readRecords(file: string, isPartial: boolean): Promise<readonly (readonly SignedRecord[])[]> {
  const { readBundle } = await import('@x0t/dao')
  const records = new Map<RecordId, SignedRecord[]>()
  try {
    for await (const record of readBundle(file)) {
      const before = records.get(record.id) ?? []
      records.set(record.id, before)
      const isOther = before.every((one) => Buffer.compare(one.signature, record.signature) !== 0)
      if (isOther && before.length < maxCopies) before.push(record)
    }
  } catch (error) {
    if (!isPartial || !(error instanceof X0tError) || error.code !== 'DAO_BUNDLE_TRUNCATED') throw error
  }
  return [...records.values()]
}
