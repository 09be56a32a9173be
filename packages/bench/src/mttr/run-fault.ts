import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, messageOf } from '@x0t/core'
import type { Bed } from '@x0t/testbed'
import { factsOf, type MttrFault } from './fault-names.ts'
import { planInjection, type FaultPort, type Injection } from './injection.ts'
import { judgeRun } from './judge-run.ts'
import { machineMs } from './machine-clock.ts'
import { measureStream, quietMs, type RunMarks, type StreamMeasure } from './measure-stream.ts'
import { pathsInUse, readSentBytes } from './path-in-use.ts'
import type { RunRecord } from './run-record.ts'
import { startStream, type Stream } from './stream/stream.ts'
import { payloadBytes } from './stream/log.ts'
import type { MttrSystem, RunningSystem } from './system.ts'
import { settleWithinMs, underWayMs, untilSettled } from './until-settled.ts'

export interface RunFaultOptions {
  readonly bed: Bed
  readonly system: MttrSystem
  readonly running: RunningSystem
  readonly fault: MttrFault
  /** Number of the run, from 1. */
  readonly run: number
  readonly source: string
  readonly destination: string
  readonly rateHz: number
  /** A stream that has not come back after so long has not recovered, ms. */
  readonly observeMs: number
  /** Uniform in [0, 1): the phase of the injection, the choice among several paths. */
  readonly random: () => number
  readonly port: FaultPort
}

/** Codes by which a fault says that it cannot be injected here. */
export const unavailable = [
  'BENCH_FAULT_UNAVAILABLE',
  'TESTBED_NO_NETEM',
  'TESTBED_FAULT_UNPREPARED',
] as const
/** The counters of the interfaces are read so long apart to see the path. */
const pathMs = 250
/** Without a loss so far, a run is watched at least this long. */
const leastMs = 3000
/** How long the stream is watched after the lifting. */
const afterLiftingMs = 2000
/** Most events of the system in a record. */
const mostTold = 200
/** How long a partition lasts. */
const partitionMs = 3000

/**
 * One run: waits until the stream flows undisturbed, finds its path, injects the fault on it at a random moment, watches
 * until the stream is back for good, lifts the fault, and measures. A run that fails is a record too.
 * @throws only what ends the whole benchmark: the signal's reason, and what says that the fault cannot be
 * injected here ({@link unavailable})
 */
export async function runFault(options: RunFaultOptions): Promise<RunRecord> {
  const { bed, system, fault, run, rateHz } = options
  let injection: Injection | undefined
  try {
    return await carryOut(options, (planned) => void (injection = planned))
  } catch (error) {
    await injection?.lift().catch(() => {})
    bed.signal.throwIfAborted()
    for (const code of unavailable) if (hasCode(error, code)) throw error
    return {
      ...emptyRecord,
      system: system.name,
      fault,
      run,
      outcome: 'failed',
      reason: messageOf(error),
      target: injection?.target ?? '',
      action: injection?.action ?? '',
      intervalMs: 1000 / rateHz,
    }
  }
}

async function carryOut(
  options: RunFaultOptions,
  onPlanned: (injection: Injection) => void,
): Promise<RunRecord> {
  const { bed, system, running, fault, run, source, destination, observeMs, random } = options
  const { signal } = bed
  const sleep = (ms: number): Promise<void> => delay(ms, undefined, { signal })
  const countsFromLifting = factsOf(fault).countsFrom === 'lifting'
  await using stream = await startStream(bed, {
    source,
    destination,
    from: running.addressOf(source),
    to: running.addressOf(destination),
    intervalMs: 1000 / options.rateHz,
    key: 1 + Math.floor(random() * 0xffff_fffe),
    mostMs: settleWithinMs + observeMs + 60_000,
  })
  await untilSettled({ system, running, signal }, stream)
  await sleep(random() * 1000)
  const before = await findPaths(options)
  const path = before[Math.floor(random() * before.length)]!
  const { forwards, isX0t = false } = system
  const injection = planInjection({ ...options, forwards, isX0t, path, turn: run - 1 })
  onPlanned(injection)

  const baselineMs = machineMs() - quietMs
  const fromMs = machineMs()
  const effectMs = await injection.inject()
  const toMs = effectMs ?? machineMs()
  // What takes effect at the end has done so within its last second.
  const beganMs = factsOf(fault).effect === undefined ? fromMs : Math.max(fromMs, toMs - 1000)
  const marks: RunMarks = {
    baselineMs,
    injectedMs: [beganMs, toMs],
    judgedUntilMs: 0,
    judgesDelay: factsOf(fault).harms === 'delays',
    countsFromLifting,
  }
  let evidence: string | undefined
  let liftedMs: number | undefined
  let after: readonly (readonly string[])[] = []
  if (countsFromLifting) {
    await sleep(partitionMs)
    evidence = await probe(injection)
    liftedMs = machineMs()
    await injection.lift()
    await untilRecovered(stream, { ...marks, liftedMs }, options)
    after = await findPaths(options).catch(() => [])
  } else {
    await untilRecovered(stream, marks, options)
    evidence = await probe(injection)
    after = await findPaths(options).catch(() => [])
    // It may have been lost again meanwhile.
    await untilRecovered(stream, marks, options)
    liftedMs = machineMs()
    await injection.lift()
    await sleep(afterLiftingMs)
  }
  const log = await stream.end()
  const measure = measureStream(log, { ...marks, liftedMs, judgedUntilMs: Infinity })
  const restored = countsFromLifting
    ? undefined
    : measureStream(log, { ...marks, injectedMs: [liftedMs, liftedMs], judgedUntilMs: Infinity })
  const reactions = await running.reactions?.(measure.zeroMs)
  const { zeroMs, late: _late, bent: _bent, ...figures } = measure
  const avoids = after.length > 0 && !after.some((one) => uses(one, injection.target))
  return {
    system: system.name,
    fault,
    run,
    ...judgeRun({
      fault,
      hitless: system.hitless === true,
      measure,
      evidence,
      avoids,
      forwards: system.forwards,
    }),
    target: injection.target,
    action: injection.action,
    injectionWindowMs: effectMs === undefined ? marks.injectedMs[1] - marks.injectedMs[0] : 0,
    liftedMs: liftedMs - zeroMs,
    intervalMs: log.intervalMs,
    ...figures,
    ...(reactions?.detectedMs === undefined ? {} : { detectMs: reactions.detectedMs - zeroMs }),
    ...(reactions?.verifiedMs === undefined ? {} : { verifiedMs: reactions.verifiedMs - zeroMs }),
    ...(reactions?.told === undefined
      ? {}
      : { told: reactions.told.slice(0, mostTold).map((one) => ({ ...one, atMs: one.atMs - zeroMs })) }),
    ...(restored === undefined
      ? {}
      : { lostAfterLifting: restored.lost, outageAfterLiftingMs: restored.outageMs }),
    pathsBefore: before,
    pathsAfter: after,
    evidence: evidence ?? '',
  }
}

/** Watches until the stream is back for good; leaves the machine alone in the second in which most happens. */
async function untilRecovered(
  stream: Stream,
  marks: RunMarks,
  { bed, fault, observeMs }: RunFaultOptions,
): Promise<void> {
  const fromMs = marks.liftedMs ?? marks.injectedMs[0]
  const unwatchedMs = fromMs + quietMs + underWayMs - machineMs()
  await delay(Math.max(0, unwatchedMs), undefined, { signal: bed.signal })
  for (;;) {
    const nowMs = machineMs()
    const measure = measureStream(await stream.look(), { ...marks, judgedUntilMs: nowMs - underWayMs })
    const needsMs = isHarmed(measure) && fault !== 'flap' ? 0 : leastMs
    if (measure.recoveryMs !== undefined && nowMs - fromMs >= needsMs) return
    if (nowMs - fromMs >= observeMs) return
    await delay(250, undefined, { signal: bed.signal })
  }
}

function isHarmed({ lost, recoveryMs }: StreamMeasure): boolean {
  return lost > 0 || recoveryMs !== 0
}

async function findPaths({
  bed,
  rateHz,
  source,
  destination,
}: RunFaultOptions): Promise<readonly (readonly string[])[]> {
  const before = await readSentBytes(bed)
  const fromMs = machineMs()
  await delay(pathMs, undefined, { signal: bed.signal })
  const streamBytes = ((machineMs() - fromMs) / 1000) * rateHz * payloadBytes
  return pathsInUse(bed.plan, { source, destination, before, after: await readSentBytes(bed), streamBytes })
}

async function probe(injection: Injection): Promise<string | undefined> {
  try {
    return await injection.evidence()
  } catch (error) {
    if (hasCode(error, 'BENCH_FAULT_UNSEEN')) return undefined
    throw error
  }
}

/** Whether a path passes what a fault hits. */
function uses(path: readonly string[], target: string): boolean {
  const [kind, what = ''] = target.split(':')
  if (kind === 'node') return path.includes(what)
  if (kind !== 'link') return false
  const [a, b] = what.split('-')
  return path.some((host, at) => {
    const next = path[at + 1]
    return (host === a && next === b) || (host === b && next === a)
  })
}

const emptyRecord = {
  injectionWindowMs: 0,
  sent: 0,
  received: 0,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  outageMs: 0,
  worstArrivalGapMs: 0,
  worstSendGapMs: 0,
  baseline: { medianMs: null, p99Ms: null },
  pathsBefore: [],
  pathsAfter: [],
  evidence: '',
  gaps: [],
  oddities: [],
  slices: [],
} as const
