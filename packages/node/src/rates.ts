/** A counter that grows, and how fast it did lately. */
export interface Rate {
  readonly total: number
  readonly perSecond: number
}

/** Rates of counters between two readings at least `minIntervalMs` apart; older readings are kept until then. */
export function createRateMeter(
  nowMs: () => number,
  minIntervalMs = 500,
): (name: string, total: number) => Rate {
  const readings = new Map<string, { atMs: number; total: number; perSecond: number }>()
  return (name, total) => {
    const atMs = nowMs()
    const last = readings.get(name)
    if (last === undefined) {
      readings.set(name, { atMs, total, perSecond: 0 })
      return { total, perSecond: 0 }
    }
    const elapsedMs = atMs - last.atMs
    if (elapsedMs < minIntervalMs) return { total, perSecond: last.perSecond }
    const perSecond = (Math.max(0, total - last.total) / elapsedMs) * 1000
    readings.set(name, { atMs, total, perSecond })
    return { total, perSecond }
  }
}
