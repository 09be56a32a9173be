import type { Clock } from '@x0t/core'

/** A token bucket: `burst` at once, `perSecond` in the long run. */
export interface RateLimit {
  /** True, and one token less, if there is one. */
  take(): boolean
  /** True if the bucket is full: nothing is lost by forgetting it. */
  isFull(): boolean
}

export function createRateLimit(clock: Clock, burst: number, perSecond: number): RateLimit {
  let tokens = burst
  let atMs = clock.monotonicMs()
  const refill = (): void => {
    const nowMs = clock.monotonicMs()
    tokens = Math.min(burst, tokens + ((nowMs - atMs) / 1000) * perSecond)
    atMs = nowMs
  }
  return {
    take() {
      refill()
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
    isFull() {
      refill()
      return tokens >= burst
    },
  }
}
