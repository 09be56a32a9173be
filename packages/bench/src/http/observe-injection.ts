import { setTimeout as delay } from 'node:timers/promises'
import { X0tError, type Clock } from '@x0t/core'
import { countFailures, gapsOf, type HttpRun } from './http-run.ts'
import type { HttpServiceOptions } from './http-service.ts'
import { findOutage, type Outage } from './outage.ts'
import type { Prober } from './prober.ts'
import { runShell } from './shell-command.ts'

const lookEveryMs = 20

type Felt = Exclude<Outage, { readonly state: 'untouched' }>

/**
 * Runs the inject command and watches the probes until the service is back or the time is up.
 * @throws X0tError BENCH_INJECT_FAILED, BENCH_NO_OUTAGE
 */
export async function observeInjection(
  prober: Prober,
  options: HttpServiceOptions,
  clock: Clock,
  before: Pick<HttpRun, 'run' | 'baseline'>,
): Promise<HttpRun> {
  const { inject, env, signal, commandTimeoutMs: timeoutMs, stableMs, downWithinMs, backWithinMs } = options
  const injectedMs = clock.monotonicMs()
  let commandEndedMs: number | undefined
  const command = runShell(inject, { env, timeoutMs, signal }).then(({ exitCode, said }) => {
    commandEndedMs = clock.monotonicMs()
    signal.throwIfAborted()
    if (exitCode === 0) return
    const words = said === '' ? '(it said nothing)' : said
    throw new X0tError('BENCH_INJECT_FAILED', `the inject command ended with ${exitCode}: ${words}`)
  })
  command.catch(() => undefined) // awaited below
  for (;;) {
    // A look reads all probes: with many of them it is taken less often, lest it disturb the next ones.
    const waitMs = Math.max(lookEveryMs, prober.ended.length / 500)
    await delay(waitMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) await command
    signal.throwIfAborted()
    if (commandEndedMs === undefined) continue
    await command
    const nowMs = clock.monotonicMs()
    const query = { injectedMs, stableMs, nowMs, pending: prober.pending(), normalMs: before.baseline.p95Ms }
    const outage = findOutage(prober.ended, query)
    if (outage.state === 'untouched') {
      const feltUntilMs = commandEndedMs + downWithinMs
      // What waits for its time-out may be the first failure.
      if (nowMs < feltUntilMs || query.pending.some((startMs) => startMs <= feltUntilMs)) continue
      throw new X0tError(
        'BENCH_NO_OUTAGE',
        `iteration ${before.run}: no probe failed within ${downWithinMs} ms of the injection: there is no recovery to time`,
        {
          hint: 'does the command reach this service? A short outage needs a higher --rate, a slow one a shorter --timeout',
        },
      )
    }
    if (outage.state === 'back' || nowMs >= commandEndedMs + backWithinMs + stableMs)
      return runOf(prober, options, before, { outage, injectedMs, commandEndedMs, nowMs })
  }
}

interface Instants {
  readonly outage: Felt
  readonly injectedMs: number
  readonly commandEndedMs: number
  readonly nowMs: number
}

function runOf(
  prober: Prober,
  options: HttpServiceOptions,
  { run, baseline }: Pick<HttpRun, 'run' | 'baseline'>,
  { outage, injectedMs, commandEndedMs, nowMs }: Instants,
): HttpRun {
  const backMs = outage.state === 'down' ? undefined : outage.backMs
  const outageMs = (backMs ?? nowMs) - outage.firstFailedMs
  const after = prober.ended.filter(({ endMs }) => endMs >= injectedMs)
  const worstSendGapMs = prober.worstSendGapMs()
  return {
    system: options.label,
    fault: options.fault,
    run,
    ...verdictOf(outage, outageMs, worstSendGapMs, baseline.p95Ms, options),
    injectionWindowMs: commandEndedMs - injectedMs,
    intervalMs: 1000 / options.ratePerSecond,
    downMs: outage.firstFailedMs - injectedMs,
    ...(backMs === undefined ? {} : { backMs: backMs - injectedMs }),
    outageMs,
    ...(outage.state === 'back' ? { recoveryMs: outage.fastMs - injectedMs } : {}),
    sent: after.length,
    lost: after.filter(({ failure }) => failure !== undefined).length,
    failures: countFailures(after),
    worstSendGapMs,
    baseline,
    gaps: gapsOf(after, injectedMs),
  }
}

function verdictOf(
  { state }: Felt,
  outageMs: number,
  worstSendGapMs: number,
  normalMs: number,
  { stableMs, backWithinMs, longestStallMs }: HttpServiceOptions,
): Pick<HttpRun, 'outcome' | 'reason'> {
  if (state === 'down') {
    const reason = `not back and stable for ${stableMs} ms within ${backWithinMs} ms`
    return { outcome: 'not-recovered', reason }
  }
  if (state === 'slow') {
    const reason = `back after ${Math.round(outageMs)} ms, but no answer came as fast as before (${normalMs.toFixed(1)} ms to the first byte)`
    return { outcome: 'not-recovered', reason }
  }
  if (worstSendGapMs > Math.max(longestStallMs, outageMs / 10))
    return { outcome: 'invalid', reason: `the prober stalled for ${Math.round(worstSendGapMs)} ms` }
  return { outcome: 'recovered' }
}
