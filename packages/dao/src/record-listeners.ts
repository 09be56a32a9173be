import type { SignedRecord } from './record.ts'

/** Who wants to hear of new records. */
export interface RecordListeners {
  add(listener: (record: SignedRecord) => void): () => void
  tell(record: SignedRecord): void
}

/** Listeners of a store that this process alone writes to. */
export function createRecordListeners(): RecordListeners {
  const listeners = new Set<{ readonly listener: (record: SignedRecord) => void }>()
  return {
    add(listener) {
      // The same function may listen twice.
      const entry = { listener }
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    tell(record) {
      for (const { listener } of listeners.values().toArray()) listener(record)
    },
  }
}
