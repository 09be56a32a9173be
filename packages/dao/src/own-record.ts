import type { Lane, MemberId, RecordId, SignedRecord } from './record.ts'

/** Where the next record of a lane goes. */
export interface LanePlace {
  readonly author: MemberId
  readonly lane: Lane
  readonly seq: number
  readonly prev: RecordId | null
}

/**
 * Has the next record of a lane signed, and holds it to its place: a signature elsewhere would be an equivocation.
 * @throws RangeError if `sign` made a record of another place
 */
export function signInPlace(
  place: LanePlace,
  sign: (seq: number, prev: RecordId | null) => SignedRecord,
): SignedRecord {
  const signed = sign(place.seq, place.prev)
  const { author, lane, seq, prev } = signed.record
  if (author !== place.author || lane !== place.lane || seq !== place.seq || prev !== place.prev)
    throw new RangeError(`record ${lane} #${seq} was signed where ${place.lane} #${place.seq} was asked for`)
  return signed
}

/** The place after the last of `records`, which are an author's records of one lane. */
export function placeAfter(author: MemberId, lane: Lane, records: Iterable<SignedRecord>): LanePlace {
  let last: SignedRecord | undefined
  for (const signed of records) {
    if (signed.record.author !== author || signed.record.lane !== lane) continue
    if (last === undefined || comesLater(signed, last)) last = signed
  }
  return { author, lane, seq: last === undefined ? 0 : last.record.seq + 1, prev: last?.id ?? null }
}

/** Of two with one number, the lower id: every process goes on from the same. */
function comesLater(one: SignedRecord, other: SignedRecord): boolean {
  return one.record.seq > other.record.seq || (one.record.seq === other.record.seq && one.id < other.id)
}
