import type { EventQueue } from './event-queue.ts'
import type { SeededRandom } from './seeded-random.ts'

/** Properties of a link, the same both ways. */
export interface LinkProperties {
  /** One-way delay. */
  readonly latencyMs: number
  /** Share of datagrams lost one way; a reliable message is sent again instead, and comes later. */
  readonly lossRatio: number
  /** Infinity: sending takes no time. */
  readonly bitsPerSecond: number
  /** Time until both ends are told that the link went down or came up. */
  readonly noticeMs: number
}

export const defaultLink: LinkProperties = {
  latencyMs: 1,
  lossRatio: 0,
  bitsPerSecond: Infinity,
  noticeMs: 0,
}

/** Longest wait of a simulated sender before it sends a lost reliable message again. */
const minRetransmitMs = 10

/** One direction of a link: keeps the order of what it carries, as a stream would. */
export class LinkDirection {
  readonly #queue: EventQueue
  readonly #random: SeededRandom
  /** When the sender has put everything on the wire, and when the last message arrives. */
  #freeMs = 0
  #lastArrivalMs = 0
  /** What was sent before the last cut does not arrive any more. */
  #epoch = 0
  /** True: everything vanishes, and no one is told. */
  blackhole = false

  constructor(queue: EventQueue, random: SeededRandom) {
    this.#queue = queue
    this.#random = random
  }

  send(
    nowMs: number,
    properties: LinkProperties,
    messageBytes: number,
    reliable: boolean,
    deliver: () => void,
  ): void {
    const { latencyMs, lossRatio, bitsPerSecond } = properties
    this.#freeMs = Math.max(this.#freeMs, nowMs) + (messageBytes * 8000) / bitsPerSecond
    if (this.blackhole) return
    let delayMs = latencyMs
    const isLost = (): boolean => lossRatio > 0 && this.#random.number() < lossRatio
    while (isLost()) {
      if (!reliable) return
      delayMs += Math.max(2 * latencyMs, minRetransmitMs)
    }
    const arrivalMs = Math.max(this.#freeMs + delayMs, this.#lastArrivalMs)
    this.#lastArrivalMs = arrivalMs
    const epoch = this.#epoch
    this.#queue.add(arrivalMs, () => {
      if (epoch === this.#epoch && !this.blackhole) deliver()
    })
  }

  /** Loses what is under way. */
  cut(nowMs: number): void {
    this.#epoch++
    this.#freeMs = nowMs
    this.#lastArrivalMs = nowMs
  }
}
