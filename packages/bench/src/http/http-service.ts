import { messageOf, systemClock, X0tError, type Clock } from '@x0t/core'
import { describeEnvironment } from '../environment.ts'
import type { Objective } from '../objective.ts'
import { makeReport, type Report, type Skipped } from '../report.ts'
import { sampleBook } from '../result.ts'
import { baselineOf, waitUntilHealthy } from './healthy.ts'
import { notesOf, parametersOf, sentenceOf } from './http-notes.ts'
import type { HttpRun } from './http-run.ts'
import { observeInjection } from './observe-injection.ts'
import { startProber, type Prober } from './prober.ts'
import { runShell } from './shell-command.ts'
import { remoteBounds, type HttpTarget } from './target.ts'

export interface HttpServiceOptions {
  readonly target: HttpTarget
  /** Shell command that disturbs the service; an exit code other than 0 ends the measurement. */
  readonly inject: string
  /** Shell command that undoes it; run after every injection, also after an error and after an abort. */
  readonly restore?: string
  readonly iterations: number
  /** Names of the service and of the fault in the results: `outage/<label>/<fault>`. */
  readonly label: string
  readonly fault: string
  readonly ratePerSecond: number
  readonly timeoutMs: number
  readonly newConnections: boolean
  readonly expectStatus?: number
  /** Nothing may fail for this long, or the service is not back. */
  readonly stableMs: number
  /** The service must be healthy this soon, before the first injection and between injections. */
  readonly healthyWithinMs: number
  /** A probe must fail this soon after the inject command ended. */
  readonly downWithinMs: number
  /** The service must be back this soon after the inject command ended. */
  readonly backWithinMs: number
  /** Longest time that a command may run. */
  readonly commandTimeoutMs: number
  /** Longest stall of the prober that a run may have, unless it is within a tenth of the outage. */
  readonly longestStallMs: number
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  /** Environment of the commands. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock?: Clock
  readonly signal: AbortSignal
  readonly onProgress?: (text: string) => void
}

/** The report of an HTTP service: `runs` holds every injection. */
export interface HttpServiceReport extends Report {
  readonly runs: readonly HttpRun[]
}

/**
 * Time to recovery of any HTTP service: probes at a fixed rate, an injected fault, and what the probes saw. Results:
 * `outage/…` (first failed probe until it is back), `down-after/…` (injection until the first failed probe),
 * `recovery/…` (injection until it is back, stable and as fast as before) in ms, `lost/…` in requests.
 * No results where one injection was not recovered from: a median of the others would flatter.
 * @throws X0tError BENCH_NO_OUTAGE (nothing failed), BENCH_INJECT_FAILED, BENCH_RESTORE_FAILED, BENCH_TARGET_DOWN (not
 * healthy before the first injection), BENCH_OPTION_INVALID
 */
export async function measureHttpService(options: HttpServiceOptions): Promise<HttpServiceReport> {
  const { target, iterations, label, fault, ratePerSecond, objectives, onProgress = () => {} } = options
  if (target.remote && ratePerSecond > remoteBounds.ratePerSecond) {
    throw new X0tError(
      'BENCH_OPTION_INVALID',
      `a remote host gets at most ${remoteBounds.ratePerSecond} probes a second`,
      {
        exitCode: 2,
      },
    )
  }
  const clock = options.clock ?? systemClock
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  const runs: HttpRun[] = []
  const failed: Skipped[] = []
  const path = `${label}/${fault}`
  await using prober = startProber({ ...options, url: target.url, clock })
  for (let run = 1; run <= iterations; run++) {
    try {
      await waitUntilHealthy(prober, options, clock)
    } catch (error) {
      if (run === 1 || options.signal.aborted) throw error
      failed.push({ path, reason: `iterations ${run} to ${iterations} were not run: ${messageOf(error)}` })
      break
    }
    const one = await injectOnce(prober, options, clock, run)
    runs.push(one)
    if (one.outcome !== 'recovered') failed.push({ path, reason: `iteration ${run}: ${one.reason}` })
    onProgress(`iteration ${run} of ${iterations}: ${sentenceOf(one)}`)
  }
  const book = sampleBook()
  const unrecovered = runs.some(({ outcome }) => outcome === 'not-recovered') || runs.length < iterations
  for (const one of unrecovered ? [] : runs.filter(({ outcome }) => outcome === 'recovered')) {
    book.add(`outage/${path}`, 'ms', one.outageMs)
    book.add(`down-after/${path}`, 'ms', one.downMs)
    book.add(`recovery/${path}`, 'ms', one.recoveryMs!)
    book.add(`lost/${path}`, 'requests', one.lost)
  }
  const report = makeReport(
    {
      kind: 'mttr',
      timestamp,
      environment,
      command: options.command,
      parameters: parametersOf(options),
      results: book.results(),
      skipped: [],
      failed,
      notes: notesOf(options, unrecovered),
    },
    objectives,
  )
  return { ...report, runs }
}

/** One injection, from the command until the service is back or the time is up; the restore command is run always. */
async function injectOnce(
  prober: Prober,
  options: HttpServiceOptions,
  clock: Clock,
  run: number,
): Promise<HttpRun> {
  const baseline = baselineOf(prober)
  prober.forget()
  let failure: { readonly error: unknown } | undefined
  try {
    return await observeInjection(prober, options, clock, { run, baseline })
  } catch (error) {
    failure = { error }
    throw error
  } finally {
    if (options.restore !== undefined) await restore(options.restore, options, failure?.error)
  }
}

async function restore(
  command: string,
  { env, commandTimeoutMs: timeoutMs, onProgress }: HttpServiceOptions,
  earlier: unknown,
): Promise<void> {
  onProgress?.(`restore: ${command}`)
  // No signal: what was broken is mended also after Ctrl-C.
  const { exitCode, said } = await runShell(command, { env, timeoutMs })
  if (exitCode === 0) return
  const before = earlier === undefined ? '' : ` (after: ${messageOf(earlier)})`
  throw new X0tError(
    'BENCH_RESTORE_FAILED',
    `the restore command ended with ${exitCode}: ${said || '(it said nothing)'}${before}`,
    { cause: earlier, hint: 'the fault may still be in place: undo it by hand' },
  )
}
