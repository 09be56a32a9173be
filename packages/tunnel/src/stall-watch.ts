/** Notices when this thread was not scheduled, or too busy, when it should have sent and judged. */
export interface StallWatch {
  /**
   * The thread gets to its timers at `nowMs`, and should have done so at `dueMs` at the latest.
   * Returns a stall to report: the longest since the last report, at most once a second.
   */
  woke(dueMs: number, nowMs: number): number | undefined
  /** Stalls so far. */
  readonly count: number
}

/** poll() rounds up to a millisecond, and timers have slack; two intervals of the fastest probes are neither. */
const leastMs = 20
const reportIntervalMs = 1000

export function createStallWatch(): StallWatch {
  let count = 0
  let longestMs = 0
  let reportedAtMs = -Infinity
  return {
    woke(dueMs, nowMs) {
      const lateMs = nowMs - dueMs
      if (lateMs >= leastMs) {
        count++
        longestMs = Math.max(longestMs, lateMs)
      }
      if (longestMs === 0 || nowMs - reportedAtMs < reportIntervalMs) return undefined
      const forMs = longestMs
      longestMs = 0
      reportedAtMs = nowMs
      return forMs
    },
    get count() {
      return count
    },
  }
}
