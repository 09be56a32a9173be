import type { Clock } from '@x0t/core'

export interface ManualClock extends Clock {
  /** Lets time pass; timers run in order. */
  go(ms: number): void
  /** Lets time pass, and promises settle after each timer. */
  settle(ms: number): Promise<void>
}

/** A clock that stands still, at `startMs` since 1970, until it is told how long to go on. */
export function manualClock(startMs = 0): ManualClock {
  let nowMs = 0
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  const runNext = (endMs: number): boolean => {
    const due = [...timers].filter(({ atMs }) => atMs <= endMs)
    const next = due.toSorted((x, y) => x.atMs - y.atMs)[0]
    if (next === undefined) return false
    timers.delete(next)
    nowMs = Math.max(nowMs, next.atMs)
    next.run()
    return true
  }
  return {
    monotonicMs: () => nowMs,
    wallMs: () => startMs + Math.floor(nowMs),
    setTimer(afterMs: number, run: () => void) {
      const timer = { atMs: nowMs + afterMs, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    go(ms) {
      const endMs = nowMs + ms
      while (runNext(endMs)) continue
      nowMs = endMs
    },
    async settle(ms) {
      const endMs = nowMs + ms
      do await new Promise((resolve) => setImmediate(resolve))
      while (runNext(endMs))
      nowMs = endMs
    },
  }
}
