import { channels, encodeFrame, type Channel } from './frame.ts'

/** The writable side of a stream: false means "wait for drain", yet the bytes are taken. */
export interface FrameSink {
  send(bytes: Uint8Array): boolean
}

/** Frames go to the stream in batches of up to so many bytes: each batch costs a muxer frame, a TLS record, a system call. */
const batchBytes = 64 << 10

/** Ranks of sending: hello, mesh and link before records, records before carrier. */
type Rank = 0 | 1 | 2

function rankOf(channel: Channel): Rank {
  if (channel === channels.carrier) return 2
  return channel === channels.records ? 1 : 0
}

/**
 * What waits for one neighbour. Frames of one turn of the event loop leave together at its end; once the stream is
 * full they wait, the urgent channels leave first, and carrier frames are the first to be dropped.
 */
export class SendQueue {
  readonly #sink: FrameSink
  readonly #maxBytes: number
  readonly #maxCarrierBytes: number
  readonly #onFailed: () => void
  readonly #waiting: readonly [Uint8Array[], Uint8Array[], Uint8Array[]] = [[], [], []]
  #bytes = 0
  #carrierBytes = 0
  #blocked = false
  #isScheduled = false

  /** `onFailed` is called when the stream throws, which is the end of it. */
  constructor(
    sink: FrameSink,
    bounds: { readonly queueBytes: number; readonly carrierQueueBytes: number },
    onFailed: () => void,
  ) {
    this.#sink = sink
    this.#maxBytes = bounds.queueBytes
    this.#maxCarrierBytes = bounds.carrierQueueBytes
    this.#onFailed = onFailed
  }

  /** Bytes that wait here, frame headers included. */
  get bytes(): number {
    return this.#bytes
  }

  /** Queues a frame; not taken if there is no room. `dropped` frames of the carrier made way for it. */
  push(channel: Channel, payload: Uint8Array): { readonly taken: boolean; readonly dropped: number } {
    const frame = encodeFrame(channel, payload)
    const rank = rankOf(channel)
    if (!this.#hasRoom(rank, frame.length)) this.#flushUnblocked()
    const dropped = rank === 2 ? 0 : this.#dropCarrierFor(rank, frame.length)
    if (!this.#hasRoom(rank, frame.length)) return { taken: false, dropped }
    this.#waiting[rank].push(frame)
    this.#bytes += frame.length
    if (rank === 2) this.#carrierBytes += frame.length
    this.#schedule()
    return { taken: true, dropped }
  }

  /** To be called at the stream's `drain` event. */
  drain(): void {
    this.#blocked = false
    this.#flushUnblocked()
  }

  /** Sends at once what may leave, not at the end of the turn. */
  flush(): void {
    this.#flushUnblocked()
  }

  #hasRoom(rank: Rank, length: number): boolean {
    if (this.#bytes + length > this.#maxBytes) return false
    return rank < 2 || this.#carrierBytes + length <= this.#maxCarrierBytes
  }

  #dropCarrierFor(rank: Rank, length: number): number {
    let dropped = 0
    while (!this.#hasRoom(rank, length) && this.#waiting[2].length > 0) {
      this.#forget(2, this.#waiting[2].splice(0, 1))
      dropped++
    }
    return dropped
  }

  #schedule(): void {
    if (this.#blocked || this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#flushUnblocked()
    })
  }

  #flushUnblocked(): void {
    try {
      while (!this.#blocked && this.#bytes > 0) this.#blocked = !this.#sink.send(this.#takeBatch())
    } catch {
      this.#blocked = true
      this.#onFailed()
    }
  }

  /** The most urgent frames, up to {@link batchBytes}, at least one. */
  #takeBatch(): Uint8Array {
    const batch: Uint8Array[] = []
    let length = 0
    for (const rank of [0, 1, 2] as const) {
      const waiting = this.#waiting[rank]
      let count = 0
      while (count < waiting.length && (length === 0 || length + waiting[count]!.length <= batchBytes))
        length += waiting[count++]!.length
      const taken = waiting.splice(0, count)
      this.#forget(rank, taken)
      batch.push(...taken)
      // Nothing less urgent may overtake what did not fit.
      if (waiting.length > 0) break
    }
    return batch.length === 1 ? batch[0]! : Buffer.concat(batch, length)
  }

  #forget(rank: Rank, frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      this.#bytes -= frame.length
      if (rank === 2) this.#carrierBytes -= frame.length
    }
  }
}
