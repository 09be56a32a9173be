import { setTimeout as delay } from 'node:timers/promises'
import { X0tError, type Clock } from '@x0t/core'
import { ascending, leastForPercentiles, quantile } from '../statistics.ts'
import type { HttpRun } from './http-run.ts'
import type { HttpServiceOptions } from './http-service.ts'
import type { Prober } from './prober.ts'

const healthyForMs = 1000
const lookEveryMs = 20

/**
 * Waits until no probe has failed for a second, and for as many probes as a percentile needs: they are the baseline.
 * @throws X0tError BENCH_TARGET_DOWN
 */
export async function waitUntilHealthy(
  prober: Prober,
  { signal, target, ratePerSecond, healthyWithinMs }: HttpServiceOptions,
  clock: Clock,
): Promise<void> {
  // The baseline needs as many probes as a percentile does.
  const forMs = Math.max(healthyForMs, ((leastForPercentiles + 1) * 1000) / ratePerSecond)
  const untilMs = clock.monotonicMs() + healthyWithinMs
  prober.forget()
  let beganMs = clock.monotonicMs()
  let last = ''
  for (;;) {
    await delay(lookEveryMs, undefined, { signal }).catch(() => undefined)
    signal.throwIfAborted()
    const failure = prober.ended.find((answer) => answer.failure !== undefined)?.failure
    if (failure !== undefined) {
      last = failure
      prober.forget()
      beganMs = clock.monotonicMs()
    }
    const enough = prober.ended.length >= leastForPercentiles
    if (enough && clock.monotonicMs() - beganMs >= forMs) return
    if (clock.monotonicMs() < untilMs) continue
    throw new X0tError(
      'BENCH_TARGET_DOWN',
      `${target.url.href} was not healthy for ${Math.round(forMs)} ms within ${healthyWithinMs / 1000} s${last === '' ? '' : ` (${last})`}`,
    )
  }
}

/** Time to first byte of the probes since the last failure. */
export function baselineOf(prober: Prober): HttpRun['baseline'] {
  const sorted = prober.ended
    .map(({ startMs, firstByteMs }) => (firstByteMs ?? Infinity) - startMs)
    .toSorted(ascending)
  return { medianMs: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95) }
}
