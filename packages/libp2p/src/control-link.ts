import type { TLSSocket } from 'node:tls'
import type { Stream } from '@libp2p/interface'
import type { Clock, NodeId } from '@x0t/core'
import { codeOfReason, reasonOfCode, type CloseReason } from './close-reason.ts'
import { channels, FrameDecoder, type Channel, type Frame } from './frame.ts'
import type { ControlPlaneLimits } from './limits.ts'
import { SendQueue } from './send-queue.ts'
import type { SecuredPeer } from './tls-transport.ts'

/** Which side ended a link; `network` where neither said goodbye. */
export type ClosedBy = 'us' | 'peer' | 'network'

export interface LinkEvents {
  readonly onHello: (link: ControlLink, hello: Uint8Array) => void
  readonly onFrame: (link: ControlLink, frame: Frame) => void
  readonly onClosed: (link: ControlLink, reason: CloseReason, by: ClosedBy) => void
}

export interface LinkOptions {
  readonly stream: Stream
  readonly secured: SecuredPeer
  readonly hello: Uint8Array
  readonly limits: ControlPlaneLimits
  readonly clock: Clock
  readonly events: LinkEvents
  readonly onDropped: (channel: Channel, frames: number) => void
}

/** A goodbye that does not get out in time is dropped, milliseconds. */
const goodbyeMs = 500

/**
 * The control stream to one neighbour. The first frame each way is the hello; after it an empty frame on channel 0
 * keeps the link alive and one of a single byte says goodbye with a reason.
 */
export class ControlLink {
  readonly nodeId: NodeId
  readonly secured: SecuredPeer
  readonly openedMs: number
  /** When the peer's hello came, on the monotonic clock. */
  upMs: number | undefined
  /** End of the peer's SVID; grows when it renews while the link is up. */
  notAfterMs: number
  readonly #options: LinkOptions
  readonly #queue: SendQueue
  readonly #decoder = new FrameDecoder()
  #heardMs: number
  #sentSinceCheck = true
  #closed = false
  #receivedBytes = 0

  constructor(options: LinkOptions) {
    const { stream, secured, clock, limits } = options
    this.#options = options
    this.secured = secured
    this.nodeId = secured.peer.nodeId
    this.notAfterMs = secured.peer.notAfterMs
    this.openedMs = this.#heardMs = clock.monotonicMs()
    this.#queue = new SendQueue(stream, limits, () => this.#end('send-failed', 'network'))
    stream.addEventListener('drain', () => this.#queue.drain())
    stream.addEventListener('message', (event) => this.#receive(event.data))
    stream.addEventListener('close', () => this.#end('connection-lost', 'network'))
    secured.socket.once('close', () => this.#end('connection-lost', 'network'))
    this.#push(channels.hello, options.hello)
  }

  get socket(): TLSSocket {
    return this.secured.socket
  }

  /** Whether this node opened the connection. */
  get isOurs(): boolean {
    return this.secured.direction === 'outbound'
  }

  get queuedBytes(): number {
    return this.#queue.bytes
  }

  get receivedBytes(): number {
    return this.#receivedBytes
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** When something last came from the peer, on the monotonic clock. */
  get heardMs(): number {
    return this.#heardMs
  }

  /** False if the link is not up or its queue has no room. */
  send(channel: Channel, payload: Uint8Array): boolean {
    return this.upMs !== undefined && this.#push(channel, payload)
  }

  /**
   * Closes a link that is silent, late with its hello, or whose peer's SVID has run out; keeps it alive otherwise.
   * `graceMs` is how long this process itself stood still: a sleeper must not take the others for dead.
   */
  check(graceMs: number): void {
    if (this.#closed) return
    const { clock, limits } = this.#options
    const nowMs = clock.monotonicMs()
    this.#heardMs += graceMs
    if (this.upMs === undefined && nowMs - this.openedMs > limits.helloTimeoutMs)
      return this.close('hello-timeout')
    if (nowMs - this.#heardMs > limits.deadPeerMs) return this.close('dead')
    if (clock.wallMs() > this.notAfterMs) return this.close('expired')
    if (!this.#sentSinceCheck && this.#queue.bytes === 0) this.#push(channels.hello, new Uint8Array())
    this.#sentSinceCheck = false
  }

  /** Says goodbye and closes; what arrives from now on is ignored. */
  close(reason: CloseReason): void {
    if (this.#closed) return
    this.#queue.push(channels.hello, Uint8Array.of(codeOfReason(reason)))
    this.#queue.flush()
    this.#end(reason, 'us')
  }

  #push(channel: Channel, payload: Uint8Array): boolean {
    if (this.#closed) return false
    const { taken, dropped } = this.#queue.push(channel, payload)
    if (dropped > 0) this.#options.onDropped(channels.carrier, dropped)
    if (!taken) this.#options.onDropped(channel, 1)
    this.#sentSinceCheck ||= taken
    return taken
  }

  #receive(data: Uint8Array | Iterable<Uint8Array>): void {
    this.#heardMs = this.#options.clock.monotonicMs()
    const chunks = data instanceof Uint8Array ? [data] : data
    try {
      for (const chunk of chunks) {
        this.#receivedBytes += chunk.length
        for (const frame of this.#decoder.push(chunk)) {
          if (this.#closed) return
          this.#take(frame)
        }
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'FRAME_INVALID')) throw error
      this.close('frame-invalid')
    }
  }

  #take(frame: Frame): void {
    if (this.upMs === undefined) {
      if (frame.channel !== channels.hello) return this.close('frame-invalid')
      this.upMs = this.#options.clock.monotonicMs()
      return this.#options.events.onHello(this, frame.payload)
    }
    if (frame.channel !== channels.hello) return this.#options.events.onFrame(this, frame)
    if (frame.payload.length === 1) this.#end(reasonOfCode(frame.payload[0]!), 'peer')
    else if (frame.payload.length > 1) this.close('frame-invalid')
  }

  #end(reason: CloseReason, by: ClosedBy): void {
    if (this.#closed) return
    this.#closed = true
    const { socket } = this.secured
    if (by === 'us') {
      const cancel = this.#options.clock.setTimer(goodbyeMs, () => socket.destroy())
      socket.once('close', cancel)
      socket.destroySoon()
    } else {
      socket.destroy()
    }
    this.#options.events.onClosed(this, reason, by)
  }
}
