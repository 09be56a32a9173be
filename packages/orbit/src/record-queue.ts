import type { MemberId, SignedRecord } from '@x0t/dao'
import type { OrbitLimits } from './limits.ts'

interface Waiting {
  readonly record: SignedRecord
  readonly done: PromiseWithResolvers<boolean>
}

/** Signature and framing of a record in an entry, at most. */
const overheadBytes = 4096

/** Gathers records that are put at the same time into one entry: an entry costs a signature and a round trip. */
export class RecordQueue {
  readonly #limits: OrbitLimits
  readonly #append: (records: readonly SignedRecord[]) => Promise<void>
  readonly #waiting = new Map<string, Waiting>()
  #running: Promise<void> | undefined

  constructor(limits: OrbitLimits, append: (records: readonly SignedRecord[]) => Promise<void>) {
    this.#limits = limits
    this.#append = append
  }

  /** True once the record is in the log; false for one that is on the way already. */
  async put(record: SignedRecord): Promise<boolean> {
    const known = this.#waiting.get(record.id)
    if (known !== undefined) {
      await known.done.promise
      return false
    }
    const done = Promise.withResolvers<boolean>()
    this.#waiting.set(record.id, { record, done })
    this.#running ??= this.#run()
    return done.promise
  }

  /** Records of an author that are on the way. */
  countOf(author: MemberId): number {
    let count = 0
    for (const { record } of this.#waiting.values()) if (record.record.author === author) count++
    return count
  }

  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    await Promise.resolve() // whoever puts in the same turn comes along
    while (this.#waiting.size > 0) {
      const batch = this.#nextBatch()
      try {
        await this.#append(batch.map(({ record }) => record))
        for (const { done } of batch) done.resolve(true)
      } catch (error) {
        for (const { done } of batch) done.reject(error)
      }
      for (const { record } of batch) this.#waiting.delete(record.id)
    }
    this.#running = undefined
  }

  #nextBatch(): Waiting[] {
    const batch: Waiting[] = []
    let bytes = 0
    for (const waiting of this.#waiting.values()) {
      bytes += waiting.record.bytes.length + overheadBytes
      if (
        batch.length >= this.#limits.recordsPerEntry ||
        (batch.length > 0 && bytes > this.#limits.batchBytes)
      )
        break
      batch.push(waiting)
    }
    return batch
  }
}
