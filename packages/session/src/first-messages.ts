import type { NodeId } from '@x0t/core'
import type { HandshakeMessage } from './handshake-message.ts'

/** Most peers whose first message is kept. */
const maxKept = 64

/** First messages of handshakes that others start and that wait for their turn: the latest of each peer. */
export class FirstMessages {
  readonly #waiting = new Map<NodeId, { readonly message: HandshakeMessage; readonly atMs: number }>()

  get size(): number {
    return this.#waiting.size
  }

  has(peer: NodeId): boolean {
    return this.#waiting.has(peer)
  }

  /** A peer that repeats itself keeps its place; false if there is no place left. */
  add(peer: NodeId, message: HandshakeMessage, atMs: number): boolean {
    if (!this.#waiting.has(peer) && this.#waiting.size >= maxKept) return false
    this.#waiting.set(peer, { message, atMs })
    return true
  }

  /** The one that waits for longest. */
  take(): readonly [peer: NodeId, message: HandshakeMessage] | undefined {
    for (const [peer, { message }] of this.#waiting) {
      this.#waiting.delete(peer)
      return [peer, message]
    }
    return undefined
  }

  /** Forgets what a peer said, or said last before `beforeMs`. */
  forget(peer: NodeId, beforeMs = Infinity): void {
    if ((this.#waiting.get(peer)?.atMs ?? Infinity) < beforeMs) this.#waiting.delete(peer)
  }
}
