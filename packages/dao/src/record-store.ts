import type { Lane, MemberId, RecordId, SignedRecord } from './record.ts'

/**
 * Where records are. It keeps and carries them and decides nothing: whatever it hands out is checked again by the
 * reader. Implementations: a file of node:sqlite (the store of record), a bundle file, OrbitDB.
 */
export interface RecordStore extends AsyncDisposable {
  /** Keeps a record; true if it is new. Idempotent. @throws X0tError DAO_RECORD_TOO_LARGE, DAO_TOO_MANY_RECORDS */
  put(record: SignedRecord): Promise<boolean>
  has(id: RecordId): Promise<boolean>
  get(id: RecordId): Promise<SignedRecord | undefined>
  /** Every record, each once, in an order of the store's own. */
  all(): AsyncIterable<SignedRecord>
  /** Calls `listener` for records that came after the call, from this process or another; returns the way to end it. */
  onRecord(listener: (record: SignedRecord) => void): () => void
}

/** A store in which this machine signs records of its own. */
export interface OwnRecordStore extends RecordStore {
  /**
   * Signs and keeps the next record of an author's lane. `sign` gets its number and predecessor; one at a time over
   * all processes, so that nobody equivocates by accident.
   */
  append(
    author: MemberId,
    lane: Lane,
    sign: (seq: number, prev: RecordId | null) => SignedRecord,
  ): Promise<SignedRecord>
}
