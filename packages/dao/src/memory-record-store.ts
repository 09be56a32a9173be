import { createRecordListeners } from './record-listeners.ts'
import { placeAfter, signInPlace } from './own-record.ts'
import type { RecordId, SignedRecord } from './record.ts'
import type { OwnRecordStore } from './record-store.ts'
import {
  createAuthorBook,
  defaultStoreLimits,
  refuseTooLarge,
  refuseTooMany,
  type StoreLimits,
} from './store-limits.ts'

/** A store that is gone with the process: for calculations over a few records, and for tests. */
export function createMemoryRecordStore(limits: StoreLimits = defaultStoreLimits): OwnRecordStore {
  const records = new Map<RecordId, SignedRecord>()
  const authors = createAuthorBook()
  const listeners = createRecordListeners()
  const keep = (signed: SignedRecord): void => {
    records.set(signed.id, signed)
    authors.add(signed)
    listeners.tell(signed)
  }
  return {
    async put(signed) {
      if (records.has(signed.id)) return false
      refuseTooLarge(signed, limits)
      refuseTooMany(signed, authors.of(signed.record.author), limits)
      keep(signed)
      return true
    },
    has: async (id) => records.has(id),
    get: async (id) => records.get(id),
    async *all() {
      yield* records.values()
    },
    onRecord: (listener) => listeners.add(listener),
    async append(author, lane, sign) {
      const signed = signInPlace(placeAfter(author, lane, records.values()), sign)
      refuseTooLarge(signed, limits)
      keep(signed)
      return signed
    },
    async [Symbol.asyncDispose]() {},
  }
}
