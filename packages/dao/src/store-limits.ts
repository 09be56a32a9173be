import { X0tError } from '@x0t/core'
import { maxSignedRecordBytes } from './limits.ts'
import type { MemberId, SignedRecord } from './record.ts'

/** What a store keeps at most, whoever sends it. */
export interface StoreLimits {
  /** Bytes of one record without its signature, whatever its kind. */
  readonly maxRecordBytes: number
  /** Records of one author that come from elsewhere; what this machine signs itself is always kept. */
  readonly maxRecordsPerAuthor: number
  /** Bytes of all of them, without their signatures. */
  readonly maxBytesPerAuthor: number
}

/** What one author has in a store. */
export interface KeptOfAuthor {
  readonly records: number
  readonly bytes: number
}

/** What each author has, of a store that is counted in memory. */
export interface AuthorBook {
  of(author: MemberId): KeptOfAuthor
  add(signed: SignedRecord): void
}

export function createAuthorBook(): AuthorBook {
  const kept = new Map<MemberId, KeptOfAuthor>()
  const of = (author: MemberId): KeptOfAuthor => kept.get(author) ?? { records: 0, bytes: 0 }
  return {
    of,
    add({ record: { author }, bytes }) {
      const before = of(author)
      kept.set(author, { records: before.records + 1, bytes: before.bytes + bytes.length })
    },
  }
}

/** A registrar of 100,000 members, and a witness of many large votes, stay below both. */
export const defaultStoreLimits: StoreLimits = {
  maxRecordBytes: maxSignedRecordBytes,
  maxRecordsPerAuthor: 262_144,
  maxBytesPerAuthor: 1_073_741_824,
}

/** @throws X0tError DAO_RECORD_TOO_LARGE */
export function refuseTooLarge(record: SignedRecord, { maxRecordBytes }: StoreLimits): void {
  if (record.bytes.length <= maxRecordBytes) return
  throw new X0tError(
    'DAO_RECORD_TOO_LARGE',
    `record ${record.id} has ${record.bytes.length} bytes; at most ${maxRecordBytes} are kept`,
  )
}

/** @throws X0tError DAO_TOO_MANY_RECORDS */
export function refuseTooMany(
  { record: { author }, bytes }: SignedRecord,
  kept: KeptOfAuthor,
  { maxRecordsPerAuthor, maxBytesPerAuthor }: StoreLimits,
): void {
  if (kept.records < maxRecordsPerAuthor && kept.bytes + bytes.length <= maxBytesPerAuthor) return
  throw new X0tError(
    'DAO_TOO_MANY_RECORDS',
    `member ${author} has ${kept.records} records of ${kept.bytes} bytes here; at most ${maxRecordsPerAuthor} of ` +
      `${maxBytesPerAuthor} bytes are kept of one member`,
    { hint: 'ask the registrars to remove the member: x0t dao member remove' },
  )
}
