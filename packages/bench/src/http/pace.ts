import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@x0t/core'

export interface PaceOptions {
  readonly ratePerSecond: number
  /** How often to fire; without end where absent. */
  readonly count?: number
  readonly clock: Clock
  /** Ends the pace without an error. */
  readonly signal: AbortSignal
}

/** Timers fire up to this late; the rest of a wait is spent turning the event loop. */
const timerSlackMs = 1.5

/**
 * Calls `fire` at a fixed rate, by a schedule that never shifts: after a stall everything that fell due is fired at
 * once, with the time it was due. That is what keeps a load from waiting for the service (coordinated omission).
 */
export async function fireAtRate(
  { ratePerSecond, count = Infinity, clock, signal }: PaceOptions,
  fire: (index: number, dueMs: number) => void,
): Promise<void> {
  const startMs = clock.monotonicMs()
  for (let index = 0; index < count && !signal.aborted;) {
    const dueMs = startMs + (index * 1000) / ratePerSecond
    const waitMs = dueMs - clock.monotonicMs()
    if (waitMs <= 0) fire(index++, dueMs)
    else if (waitMs > timerSlackMs)
      await delay(waitMs - timerSlackMs, undefined, { signal }).catch(() => undefined)
    else await turn()
  }
}
