import { X0tError } from '@x0t/core'
import type { RecordId, SignedRecord } from '@x0t/dao'
import type { ImportedBundle } from '../../views/dao-bundle.ts'
import type { OpenDao } from './open-dao.ts'

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
  const { createReplay, createVerifier, findGenesis } = await import('@x0t/dao')
  const records = await readRecords(file, isPartial)
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
  await replay.addAll([...kept, ...fresh], { verifier })
  const rejected = new Map(replay.state().rejected.map((one) => [one.id, one]))
  const good: SignedRecord[] = []
  for (const record of fresh) {
    const reason = rejected.get(record.id)
    // What waits for a record that another bundle brings is kept; of somebody unknown nothing can be checked.
    const waits = reason?.isWaiting === true && reason.code !== 'DAO_NOT_A_MEMBER'
    if (waits || replay.has(record.id)) good.push(record)
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

async function readRecords(file: string, isPartial: boolean): Promise<readonly SignedRecord[]> {
  const { readBundle } = await import('@x0t/dao')
  const records = new Map<RecordId, SignedRecord>()
  try {
    for await (const record of readBundle(file)) records.set(record.id, record)
  } catch (error) {
    if (!isPartial || !(error instanceof X0tError) || error.code !== 'DAO_BUNDLE_TRUNCATED') throw error
  }
  return [...records.values()]
}
