import type { ActionName } from './actions.ts'

/** How many actions may be taken, and whether any may. */
export interface Budget {
  /** When this action may be taken: `nowMs` or later. */
  freeAtMs(action: ActionName, limits: BudgetLimits, nowMs: number): number
  take(action: ActionName, nowMs: number): void
  /** Actions within the last 60 s. */
  used(nowMs: number): number
  /** An action was verified or failed: so many failures in a row open the breaker. */
  settle(isVerified: boolean, limits: BudgetLimits, nowMs: number): void
  /** Until when an open breaker stops all actions; after that one may try. Undefined while it is closed. */
  openUntilMs(nowMs: number): number | undefined
  failuresInRow(): number
}

export interface BudgetLimits {
  readonly perMinute: number
  readonly actionPerMinute: number
  readonly breakerFailures: number
  readonly breakerOpenMs: number
}

const windowMs = 60_000

/** A sliding minute and a circuit breaker; holds no timers. */
export function createBudget(): Budget {
  let taken: { readonly action: ActionName; readonly atMs: number }[] = []
  let failures = 0
  let openUntil = -Infinity
  const recent = (nowMs: number): typeof taken => {
    taken = taken.filter(({ atMs }) => nowMs - atMs < windowMs)
    return taken
  }
  /** When fewer than `most` of these lie within a minute. */
  const freeFrom = (times: readonly number[], most: number, nowMs: number): number => {
    if (most <= 0) return Infinity
    return times.length < most ? nowMs : times[times.length - most]! + windowMs
  }
  return {
    freeAtMs(action, { perMinute, actionPerMinute }, nowMs) {
      const all = recent(nowMs)
      const own = all.filter((one) => one.action === action)
      return Math.max(
        freeFrom(
          all.map(({ atMs }) => atMs),
          perMinute,
          nowMs,
        ),
        freeFrom(
          own.map(({ atMs }) => atMs),
          actionPerMinute,
          nowMs,
        ),
        openUntil,
      )
    },
    take(action, nowMs) {
      taken = [...recent(nowMs), { action, atMs: nowMs }]
    },
    used: (nowMs) => recent(nowMs).length,
    settle(isVerified, { breakerFailures, breakerOpenMs }, nowMs) {
      failures = isVerified ? 0 : failures + 1
      // Half open after the wait: the next failure opens it again at once.
      if (failures >= breakerFailures) openUntil = nowMs + breakerOpenMs
      else openUntil = -Infinity
    },
    openUntilMs: (nowMs) => (openUntil > nowMs ? openUntil : undefined),
    failuresInRow: () => failures,
  }
}
