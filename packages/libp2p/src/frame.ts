import { X0tError } from '@x0t/core'

/** Channels of the control stream (ARCHITECTURE.md, control plane). */
export const channels = { hello: 0, mesh: 1, records: 2, carrier: 3, link: 4 } as const

export type Channel = (typeof channels)[keyof typeof channels]

/** Longest payload of a frame: 64 KiB and 1 KiB for headers of what is carried. */
export const maxPayloadBytes = (64 << 10) + (1 << 10)

const headerBytes = 5

/**
 * A frame: length of the payload (u32, big endian), channel (u8), payload.
 * @throws RangeError if the payload is longer than {@link maxPayloadBytes}
 */
export function encodeFrame(channel: Channel, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  if (payload.length > maxPayloadBytes)
    throw new RangeError(`a frame carries up to ${maxPayloadBytes} bytes, not ${payload.length}`)
  const frame = new Uint8Array(headerBytes + payload.length)
  new DataView(frame.buffer).setUint32(0, payload.length)
  frame[4] = channel
  frame.set(payload, headerBytes)
  return frame
}

export interface Frame {
  readonly channel: Channel
  readonly payload: Uint8Array<ArrayBuffer>
}

/** Cuts a byte stream into frames; holds at most one unfinished frame. */
export class FrameDecoder {
  readonly #header = new Uint8Array(headerBytes)
  #headerFilled = 0
  #payload: Uint8Array<ArrayBuffer> | undefined
  #payloadFilled = 0

  /**
   * The frames that `chunk` completes, in order.
   * @throws X0tError FRAME_INVALID on a length beyond the bound or an unknown channel; the stream is then lost
   */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = []
    let at = 0
    while (at < chunk.length || this.#isComplete()) {
      if (this.#payload === undefined) {
        const take = Math.min(headerBytes - this.#headerFilled, chunk.length - at)
        this.#header.set(chunk.subarray(at, at + take), this.#headerFilled)
        this.#headerFilled += take
        at += take
        if (this.#headerFilled < headerBytes) return frames
        this.#payload = new Uint8Array(checkedLength(this.#header))
        this.#payloadFilled = 0
      }
      const take = Math.min(this.#payload.length - this.#payloadFilled, chunk.length - at)
      this.#payload.set(chunk.subarray(at, at + take), this.#payloadFilled)
      this.#payloadFilled += take
      at += take
      if (!this.#isComplete()) return frames
      frames.push({ channel: this.#header[4] as Channel, payload: this.#payload })
      this.#payload = undefined
      this.#headerFilled = 0
    }
    return frames
  }

  #isComplete(): boolean {
    return this.#payload !== undefined && this.#payloadFilled === this.#payload.length
  }
}

function checkedLength(header: Uint8Array): number {
  const length = new DataView(header.buffer, header.byteOffset).getUint32(0)
  const channel = header[4]!
  if (length > maxPayloadBytes)
    throw new X0tError('FRAME_INVALID', `a frame of ${length} bytes; the longest has ${maxPayloadBytes}`)
  if (channel > channels.link) throw new X0tError('FRAME_INVALID', `a frame on unknown channel ${channel}`)
  return length
}
