import { channels, encodeFrame, type Channel } from './frame.ts'

/** The writable side of a stream: false means "wait for drain", yet the bytes are taken. */
export interface FrameSink {
  send(bytes: Uint8Array): boolean
}

/**
 * What waits for one neighbour. While the stream takes bytes nothing waits here; once it is full, hello and mesh
 * go before records, records before carrier, and carrier frames are the first to be dropped.
 */
export class SendQueue {
  readonly #sink: FrameSink
  readonly #maxBytes: number
  readonly #maxCarrierBytes: number
  readonly #waiting: readonly [Uint8Array[], Uint8Array[], Uint8Array[]] = [[], [], []]
  #bytes = 0
  #carrierBytes = 0
  #blocked = false

  constructor(sink: FrameSink, bounds: { readonly queueBytes: number; readonly carrierQueueBytes: number }) {
    this.#sink = sink
    this.#maxBytes = bounds.queueBytes
    this.#maxCarrierBytes = bounds.carrierQueueBytes
  }

  /** Bytes that wait here, frame headers included. */
  get bytes(): number {
    return this.#bytes
  }

  /** Sends or queues a frame; false if it was dropped for want of room. `dropped` frames of the carrier made way for it. */
  push(channel: Channel, payload: Uint8Array): { readonly taken: boolean; readonly dropped: number } {
    const frame = encodeFrame(channel, payload)
    if (!this.#blocked) {
      this.#blocked = !this.#sink.send(frame)
      return { taken: true, dropped: 0 }
    }
    if (channel === channels.carrier) {
      const room =
        this.#carrierBytes + frame.length <= this.#maxCarrierBytes &&
        this.#bytes + frame.length <= this.#maxBytes
      if (room) this.#enqueue(2, frame)
      return { taken: room, dropped: 0 }
    }
    let dropped = 0
    while (this.#bytes + frame.length > this.#maxBytes && this.#waiting[2].length > 0) {
      this.#dequeue(2)
      dropped++
    }
    if (this.#bytes + frame.length > this.#maxBytes) return { taken: false, dropped }
    this.#enqueue(channel === channels.records ? 1 : 0, frame)
    return { taken: true, dropped }
  }

  /** To be called at the stream's `drain` event. */
  drain(): void {
    this.#blocked = false
    for (const rank of [0, 1, 2] as const) {
      while (this.#waiting[rank].length > 0) {
        const frame = this.#dequeue(rank)
        if (frame !== undefined && !this.#sink.send(frame)) {
          this.#blocked = true
          return
        }
      }
    }
  }

  #enqueue(rank: 0 | 1 | 2, frame: Uint8Array): void {
    this.#waiting[rank].push(frame)
    this.#bytes += frame.length
    if (rank === 2) this.#carrierBytes += frame.length
  }

  #dequeue(rank: 0 | 1 | 2): Uint8Array | undefined {
    const frame = this.#waiting[rank].shift()
    if (frame === undefined) return undefined
    this.#bytes -= frame.length
    if (rank === 2) this.#carrierBytes -= frame.length
    return frame
  }
}
