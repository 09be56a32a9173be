import { systemClock, X0tError, type Clock } from '@x0t/core'
import { describeEnvironment } from '../environment.ts'
import type { Objective } from '../objective.ts'
import { makeReport, type Report, type Skipped } from '../report.ts'
import { summarize, thinned, type Result } from '../result.ts'
import { ascending, quantile } from '../statistics.ts'
import { runOpenLoop, type OpenLoopOutcome } from './open-loop.ts'
import { createRequester } from './requester.ts'
import { remoteBounds, type HttpTarget } from './target.ts'

export interface HttpMetricsOptions {
  readonly target: HttpTarget
  /** Name of the service in the results: `latency/<label>`. */
  readonly label: string
  readonly ratePerSecond: number
  readonly seconds: number
  readonly warmupSeconds: number
  readonly concurrencyLimit: number
  readonly timeoutMs: number
  readonly newConnections: boolean
  readonly expectStatus?: number
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly clock?: Clock
  readonly signal: AbortSignal
}

/** The generator may notice at most 1 % of the requests this late, or it has measured itself. */
const mostLateMs = 10
/** All requests of one run are kept in memory. */
const mostRequests = 2_000_000
/** Samples of one result that a report keeps. */
const mostKept = 2000

/**
 * Baseline of an HTTP service under open-loop load. Results: `latency/…` (from the scheduled time) and
 * `service-time/…` (from the real start) in ms, `throughput/…` in responses/s, `received/…` in Mbit/s,
 * `rate-sent/…` in requests/s, `errors/…` and `errors/…/<kind>`, `held-back/…` (waited for a free connection),
 * `generator-late/…` in ms. Percentiles from 30 samples on.
 * @throws X0tError BENCH_OPTION_INVALID
 */
export async function httpMetricsBench(options: HttpMetricsOptions): Promise<Report> {
  checkBounds(options)
  const { target, label, ratePerSecond, seconds, warmupSeconds, concurrencyLimit, timeoutMs } = options
  const clock = options.clock ?? systemClock
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  await using requester = createRequester({ ...options, url: target.url, clock })
  const outcome = await runOpenLoop({ ...options, send: () => requester.send(), drainMs: timeoutMs, clock })
  return makeReport(
    {
      kind: 'metrics',
      timestamp,
      environment,
      command: options.command,
      parameters: {
        url: target.url.href,
        ratePerSecond,
        seconds,
        warmupSeconds,
        concurrencyLimit,
        timeoutMs,
        newConnections: options.newConnections,
      },
      results: resultsOf(outcome, options),
      skipped: [],
      failed: faultsOf(outcome, label),
      notes: notesOf(outcome, options),
    },
    options.objectives,
  )
}

function checkBounds({ target, ratePerSecond, seconds, warmupSeconds }: HttpMetricsOptions): void {
  const refuse = (message: string): never => {
    throw new X0tError('BENCH_OPTION_INVALID', message, { exitCode: 2 })
  }
  if (ratePerSecond * (seconds + warmupSeconds) > mostRequests)
    refuse(`a run has at most ${mostRequests} requests, not ${ratePerSecond * (seconds + warmupSeconds)}`)
  if (ratePerSecond * seconds < 1) refuse('a run needs one request at least')
  const { ratePerSecond: mostRate, seconds: mostSeconds } = remoteBounds
  if (target.remote && (ratePerSecond > mostRate || seconds + warmupSeconds > mostSeconds))
    refuse(`a remote host gets at most ${mostRate} requests a second for ${mostSeconds} s, warm-up included`)
}

function resultsOf(outcome: OpenLoopOutcome, { label, seconds }: HttpMetricsOptions): readonly Result[] {
  const failures = Object.entries(outcome.failures)
  const good = outcome.latenciesMs.length
  const errors = failures.reduce((sum, [, count]) => sum + count, 0)
  const rows: (readonly [name: string, unit: string, values: readonly number[]])[] = [
    [`latency/${label}`, 'ms', outcome.latenciesMs],
    [`service-time/${label}`, 'ms', outcome.serviceTimesMs],
    [`throughput/${label}`, 'responses/s', outcome.goodPerSecond],
    [`received/${label}`, 'Mbit/s', good === 0 ? [] : [(outcome.bytes * 8) / seconds / 1e6]],
    [`rate-sent/${label}`, 'requests/s', [outcome.sent / seconds]],
    [`errors/${label}`, 'requests', [errors]],
    ...failures.map(([kind, count]) => [`errors/${label}/${kind}`, 'requests', [count]] as const),
    [`held-back/${label}`, 'requests', [outcome.heldBack]],
    [`generator-late/${label}`, 'ms', outcome.latenessMs],
  ]
  return rows
    .filter(([, , values]) => values.length > 0)
    .map(([name, unit, values]) => thinned(summarize(name, unit, values), mostKept))
}

/** What makes the run worth nothing: a generator that could not keep up, or a service that never answered. */
function faultsOf(outcome: OpenLoopOutcome, label: string): readonly Skipped[] {
  const faults: Skipped[] = []
  const late = quantile(outcome.latenessMs.toSorted(ascending), 0.99)
  if (late > mostLateMs) {
    const reason = `the generator could not keep up: 1 % of the requests were ${late.toFixed(1)} ms late or more; the result is invalid`
    faults.push({ path: 'generator', reason, install: 'ask for a lower --rate, or free a core' })
  }
  if (outcome.latenciesMs.length === 0) faults.push({ path: label, reason: 'no request was answered well' })
  return faults
}

function notesOf(
  { due, sent, heldBack, failures }: OpenLoopOutcome,
  { ratePerSecond, seconds, concurrencyLimit, newConnections, timeoutMs }: HttpMetricsOptions,
): readonly string[] {
  const achieved = (sent / seconds).toFixed(1)
  return [
    `Open loop, evenly spaced: ${ratePerSecond} requests a second asked, ${achieved} sent, ${due} in all, ` +
      `${newConnections ? 'a new connection each' : 'connections kept'}.`,
    'latency: from the scheduled time of a request to its last byte, so waiting behind a slow answer counts; ' +
      'service-time: from its real start. Both of good answers only; read them with the errors.',
    ...(heldBack === 0
      ? []
      : [
          `${heldBack} requests waited as ${concurrencyLimit} were under way; their waiting is in the latency.`,
        ]),
    ...(failures['timeout'] === undefined
      ? []
      : [
          `${failures['timeout']} requests had no answer within ${timeoutMs} ms: the real percentiles are higher.`,
        ]),
    'One run: requests of one run depend on each other, so intervals are narrower than from run to run.',
  ]
}
