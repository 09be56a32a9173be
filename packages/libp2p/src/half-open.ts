import type { Socket } from 'node:net'
import type { Clock } from '@x0t/core'
import { rateKey } from './token-bucket.ts'

interface Entry {
  readonly raw: Socket
  readonly rate: string
  readonly cancel: () => void
}

/** TCP connections whose handshake is not finished: bounded in number and time, against slow senders. */
export class HalfOpen {
  readonly #bounds: { readonly perAddress: number; readonly total: number; readonly timeoutMs: number }
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #perAddress = new Map<string, number>()

  constructor(bounds: { perAddress: number; total: number; timeoutMs: number }, clock: Clock) {
    this.#bounds = bounds
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.size
  }

  /** False if there are too many; otherwise one of the two is called unless {@link leave} comes first. */
  enter(raw: Socket, ip: string, on: { readonly timeout: () => void; readonly closed: () => void }): boolean {
    const rate = rateKey(ip)
    const count = this.#perAddress.get(rate) ?? 0
    if (count >= this.#bounds.perAddress || this.#entries.size >= this.#bounds.total) return false
    const key = endpointKey(raw)
    const cancel = this.#clock.setTimer(this.#bounds.timeoutMs, () => {
      if (this.#remove(key)) on.timeout()
    })
    this.#entries.set(key, { raw, rate, cancel })
    this.#perAddress.set(rate, count + 1)
    // By then the ports of the socket are gone, so the key is kept.
    raw.once('close', () => {
      if (this.#remove(key)) on.closed()
    })
    return true
  }

  /** Ends the watch over a connection, found by its endpoints; false if it was not watched. */
  leave(socket: Socket): boolean {
    return this.#remove(endpointKey(socket))
  }

  #remove(key: string): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    entry.cancel()
    this.#entries.delete(key)
    const count = (this.#perAddress.get(entry.rate) ?? 1) - 1
    if (count > 0) this.#perAddress.set(entry.rate, count)
    else this.#perAddress.delete(entry.rate)
    return true
  }
}

function endpointKey(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
}
