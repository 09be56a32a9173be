import { X0tError } from '@x0t/core'
import { maxSignedRecordBytes } from './limits.ts'
import type { MemberId, SignedRecord } from './record.ts'

/** What a store keeps at most, whoever sends it. */
export interface StoreLimits {
  /** Bytes of one record without its signature, whatever its kind. */
  readonly maxRecordBytes: number
  /** Records of one author that come from elsewhere; what this machine signs itself is always kept. */
  readonly maxRecordsPerAuthor: number
}

/** A registrar of 100,000 members, and a witness of many large votes, stay below the second: about 1 GB of ballots. */
export const defaultStoreLimits: StoreLimits = {
  maxRecordBytes: maxSignedRecordBytes,
  maxRecordsPerAuthor: 262_144,
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
export function refuseTooMany(author: MemberId, kept: number, { maxRecordsPerAuthor }: StoreLimits): void {
  if (kept < maxRecordsPerAuthor) return
  throw new X0tError(
    'DAO_TOO_MANY_RECORDS',
    `member ${author} has ${kept} records here; at most ${maxRecordsPerAuthor} of one member are kept`,
    { hint: 'ask the registrars to remove the member: x0t dao member remove' },
  )
}
