/**
 * The longest pause between two signs of life of a living neighbour over the last 5 to 10 s, in probe intervals. On
 * a busy machine pauses come in all lengths; a deadline that keeps clear of those that were seen raises no false alarm.
 */
export interface GapPeak {
  record(gap: number, nowMs: number): void
  readonly peak: number
}

const halfMs = 5000

export function createGapPeak(): GapPeak {
  let [current, former] = [0, 0]
  let sinceMs = -Infinity
  return {
    record(gap, nowMs) {
      if (nowMs - sinceMs >= halfMs) {
        former = nowMs - sinceMs < 2 * halfMs ? current : 0
        current = 0
        sinceMs = nowMs
      }
      current = Math.max(current, gap)
    },
    get peak() {
      return Math.max(current, former)
    },
  }
}
