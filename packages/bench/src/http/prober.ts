import type { Clock } from '@x0t/core'
import { fireAtRate } from './pace.ts'
import { createRequester, type Answer, type RequesterOptions } from './requester.ts'

/** Probes of one service at a fixed rate, whatever becomes of them. */
export interface Prober extends AsyncDisposable {
  /** Probes that ended since the last {@link Prober.forget}, in the order of their ends. */
  readonly ended: readonly Answer[]
  /** Starts of the probes that have not ended. */
  pending(): readonly number[]
  /** Longest time between the starts of two probes since the last `forget`: the precision of the ruler. */
  worstSendGapMs(): number
  forget(): void
}

export interface ProberOptions extends RequesterOptions {
  readonly ratePerSecond: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Begins to probe; ends with `signal` or when disposed. */
export function startProber(options: ProberOptions): Prober {
  const { clock, signal, ratePerSecond } = options
  const requester = createRequester(options)
  const stop = new AbortController()
  const pending = new Map<number, number>()
  let ended: Answer[] = []
  let [lastStartMs, worstGapMs] = [clock.monotonicMs(), 0]
  const pace = fireAtRate(
    { ratePerSecond, clock, signal: AbortSignal.any([signal, stop.signal]) },
    (index) => {
      const nowMs = clock.monotonicMs()
      worstGapMs = Math.max(worstGapMs, nowMs - lastStartMs)
      lastStartMs = nowMs
      pending.set(index, nowMs)
      void (async () => {
        const answer = await requester.send()
        pending.delete(index)
        ended.push(answer)
      })()
    },
  )
  return {
    get ended() {
      return ended
    },
    pending: () => [...pending.values()],
    worstSendGapMs: () => Math.max(worstGapMs, clock.monotonicMs() - lastStartMs),
    forget() {
      ended = []
      worstGapMs = 0
      lastStartMs = clock.monotonicMs()
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await pace
      await requester[Symbol.asyncDispose]()
    },
  }
}
