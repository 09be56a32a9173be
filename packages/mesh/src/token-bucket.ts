/** A token bucket: `burst` units at once, then `perSecond`. */
export class TokenBucket {
  readonly #burst: number
  readonly #perSecond: number
  #tokens: number
  #filledMs: number

  constructor(burst: number, perSecond: number, nowMs: number) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = burst
    this.#filledMs = nowMs
  }

  /** Takes `units` if they are there. */
  take(nowMs: number, units = 1): boolean {
    this.#fill(nowMs)
    if (this.#tokens < units) return false
    this.#tokens -= units
    return true
  }

  /** Takes `units` in punishment, down to an empty bucket. */
  fine(nowMs: number, units: number): void {
    this.#fill(nowMs)
    this.#tokens = Math.max(0, this.#tokens - units)
  }

  /** When one unit will be there for sure: a millisecond more, against rounding. */
  readyMs(nowMs: number): number {
    this.#fill(nowMs)
    return this.#tokens >= 1 ? nowMs : nowMs + ((1 - this.#tokens) / this.#perSecond) * 1000 + 1
  }

  #fill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#filledMs)
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs * this.#perSecond) / 1000)
    this.#filledMs = Math.max(this.#filledMs, nowMs)
  }
}
