import type { Clock } from '@x0t/core'

export interface FakeClock extends Clock {
  /** Moves both times on and runs what falls due, in order. */
  advance(byMs: number): void
  /** Moves the wall clock alone. */
  jumpWall(byMs: number): void
}

export function createFakeClock(): FakeClock {
  let nowMs = 1_000
  let wallOffsetMs = 1_700_000_000_000
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  return {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs + wallOffsetMs,
    setTimer(delayMs, run) {
      const timer = { atMs: nowMs + Math.max(0, delayMs), run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(byMs) {
      const untilMs = nowMs + byMs
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)
        if (next === undefined) break
        timers.delete(next)
        nowMs = next.atMs
        next.run()
      }
      nowMs = untilMs
    },
    jumpWall(byMs) {
      wallOffsetMs += byMs
    },
  }
}
