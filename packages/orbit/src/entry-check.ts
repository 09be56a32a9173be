import { isUint8Array } from 'node:util/types'
import { Entry, type OrbitEntry } from '@orbitdb/core'
import { messageOf, X0tError } from '@x0t/core'
import { decodeSigned, encodeSigned, type RecordId, type SignedRecord } from '@x0t/dao'
import type { OrbitLimits } from './limits.ts'

/** Entries of one log that may lie side by side, as after a home was restored from a copy. */
const maxNext = 64
const maxTextCharacters = 512
/** A Lamport clock that honest logs never reach: each entry adds one. */
const maxLamportTime = 2 ** 40
/** base58btc of a CID version 1 with SHA-256, as OrbitDB writes them. */
const hashPattern = /^z[1-9A-HJ-NP-Za-km-z]{40,80}$/

/** Whether a text can be the hash of an entry. */
export function isEntryHash(text: unknown): text is string {
  return typeof text === 'string' && hashPattern.test(text)
}

/** The payload of an entry that holds these records. */
export function packRecords(records: readonly SignedRecord[]): object {
  return { op: 'ADD', key: null, value: records.map(encodeSigned) }
}

/**
 * Decodes what a neighbour sent as the entry `hash`.
 * @throws X0tError ORBIT_ENTRY_INVALID unless the bytes are the one encoding of an entry with that hash
 */
export async function readEntry(
  hash: string,
  bytes: Uint8Array,
  limits: OrbitLimits,
): Promise<OrbitEntry & { readonly hash: string }> {
  if (bytes.length > limits.entryBytes) throw invalid(`an entry of ${bytes.length} bytes`)
  const entry = await decoded(bytes)
  if (entry.hash !== hash) throw invalid(`the bytes of ${hash} have another hash`)
  checkShape(entry)
  // OrbitDB encodes heads again before it keeps them: two encodings of one entry would lose the head.
  const again = await Entry.encode(entry)
  if (again.hash !== hash) throw invalid(`${hash} is not encoded as it must be`)
  return entry
}

/** The records of an entry, decoded strictly; all of this DAO. @throws X0tError ORBIT_ENTRY_INVALID */
export function recordsOf(entry: OrbitEntry, dao: RecordId, limits: OrbitLimits): SignedRecord[] {
  const envelopes = envelopesOf(entry)
  if (envelopes.length === 0 || envelopes.length > limits.recordsPerEntry)
    throw invalid(`an entry with ${envelopes.length} records`)
  const records = envelopes.map((envelope) => {
    try {
      return decodeSigned(envelope)
    } catch (error) {
      throw invalid(messageOf(error), error)
    }
  })
  const stranger = records.find(({ id, record }) => record.dao !== dao && id !== dao)
  if (stranger !== undefined) throw invalid(`record ${stranger.id} is of another DAO`)
  if (new Set(records.map(({ id }) => id)).size < records.length)
    throw invalid('an entry holds a record twice')
  return records
}

function envelopesOf({ payload }: OrbitEntry): readonly Uint8Array[] {
  const { op, key, value, ...rest } = payload as Record<string, unknown>
  if (op !== 'ADD' || key !== null || Object.keys(rest).length > 0) throw invalid('an unknown operation')
  if (!Array.isArray(value) || !value.every((item) => isUint8Array(item)))
    throw invalid('an entry without records')
  return value
}

async function decoded(bytes: Uint8Array): Promise<OrbitEntry & { readonly hash: string }> {
  try {
    return await Entry.decode(bytes)
  } catch (error) {
    throw invalid(messageOf(error), error)
  }
}

const fields = ['id', 'payload', 'next', 'refs', 'clock', 'v', 'key', 'identity', 'sig', 'hash']

function checkShape(entry: OrbitEntry): void {
  const { payload, next, refs, clock, v, ...texts } = entry
  const isText = (text: unknown): boolean => typeof text === 'string' && text.length <= maxTextCharacters
  if (Object.keys(entry).length !== fields.length || !fields.every((field) => Object.hasOwn(entry, field)))
    throw invalid('an entry with other fields')
  if (v !== 2) throw invalid(`an entry of version ${String(v)}`)
  if (!Object.values(texts).every(isText)) throw invalid('an entry with a field that is no text')
  if (typeof payload !== 'object' || payload === null) throw invalid('an entry without records')
  if (!Array.isArray(refs) || refs.length > 0) throw invalid('an entry with references')
  if (
    !Array.isArray(next) ||
    next.length > maxNext ||
    !next.every(isEntryHash) ||
    new Set(next).size < next.length
  )
    throw invalid('an entry that does not say what it follows')
  if (
    typeof clock !== 'object' ||
    clock === null ||
    Object.keys(clock).length !== 2 ||
    !isText(clock.id) ||
    !Number.isSafeInteger(clock.time) ||
    clock.time < 0 ||
    clock.time > maxLamportTime
  )
    throw invalid('an entry without a clock')
  if (!isEntryHash(entry.identity)) throw invalid('an entry of nobody')
}

/** @returns an error that tells that its sender is to blame */
export function invalid(what: string, cause?: unknown): X0tError {
  return new X0tError('ORBIT_ENTRY_INVALID', what, { cause })
}
