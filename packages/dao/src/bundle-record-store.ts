import { hasCode } from '@x0t/core'
import {
  chunksOf,
  createBundleWriter,
  decodeFrame,
  openForReading,
  type BundleWriter,
} from './bundle-file.ts'
import { parseBundle } from './bundle-format.ts'
import { createRecordListeners } from './record-listeners.ts'
import type { RecordId, SignedRecord } from './record.ts'
import type { RecordStore } from './record-store.ts'
import {
  createAuthorBook,
  defaultStoreLimits,
  refuseTooLarge,
  refuseTooMany,
  type StoreLimits,
} from './store-limits.ts'

/** Where a record's envelope lies. */
interface Slot {
  readonly position: number
  readonly length: number
}

/**
 * A bundle file as a store: for carrying records by hand. It keeps where each record lies, not the records. New ones
 * are in the file once the store is disposed of; until then, and after a crash, the file is as it was.
 * @throws X0tError DAO_BUNDLE_TRUNCATED, DAO_BUNDLE_INVALID, DAO_BUNDLE_WRITE_FAILED
 */
export async function openBundleStore(
  path: string,
  limits: StoreLimits = defaultStoreLimits,
): Promise<RecordStore> {
  const writer = await createBundleWriter(path)
  const slots = new Map<RecordId, Slot>()
  const authors = createAuthorBook()
  const listeners = createRecordListeners()
  const keep = async (signed: SignedRecord): Promise<void> => {
    slots.set(signed.id, await writer.append(signed))
    authors.add(signed)
  }
  const read = async ({ position, length }: Slot): Promise<SignedRecord> => {
    const { buffer } = await writer.file.read({ buffer: Buffer.alloc(length), position })
    return decodeFrame(path, { offset: position, envelope: buffer })
  }
  try {
    for await (const signed of existing(path)) if (!slots.has(signed.id)) await keep(signed)
  } catch (error) {
    await writer[Symbol.asyncDispose]()
    throw error
  }
  return createStore()

  function createStore(): RecordStore {
    const keptBefore = slots.size
    let writes: Promise<unknown> = Promise.resolve()
    /** One after the other: a record lies in one piece, and is read when it does. */
    const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
      const turn = writes.then(work)
      writes = turn.catch(() => {})
      return await turn
    }
    let isOpen = true
    return {
      async put(signed) {
        refuseTooLarge(signed, limits)
        return await inTurn(async () => {
          if (slots.has(signed.id)) return false
          refuseTooMany(signed, authors.of(signed.record.author), limits)
          await keep(signed)
          listeners.tell(signed)
          return true
        })
      },
      has: async (id) => await inTurn(async () => slots.has(id)),
      get: async (id) =>
        await inTurn(async () => {
          const slot = slots.get(id)
          return slot === undefined ? undefined : await read(slot)
        }),
      async *all() {
        for (const slot of slots.values()) yield await inTurn(async () => await read(slot))
      },
      onRecord: (listener) => listeners.add(listener),
      async [Symbol.asyncDispose]() {
        if (!isOpen) return
        isOpen = false
        await inTurn(async () => await finish(writer, slots.size > keptBefore || slots.size === 0))
      },
    }
  }
}

async function* existing(path: string): AsyncGenerator<SignedRecord> {
  let file
  try {
    file = await openForReading(path)
  } catch (error) {
    if (hasCode(error, 'DAO_BUNDLE_NOT_FOUND')) return
    throw error
  }
  await using reader = file
  for await (const frame of parseBundle(chunksOf(reader), path)) yield decodeFrame(path, frame)
}

/** A file to which nothing came stays as it is. */
async function finish(writer: BundleWriter, isChanged: boolean): Promise<void> {
  if (isChanged) await writer.finish()
  await writer[Symbol.asyncDispose]()
}
