import { hasCode, messageOf, X0tError } from '@x0t/core'
import { createBed, systemRun, type BedPortOptions, type CableKind, type Topology } from '@x0t/testbed'
import { bedTools } from '../bed-tools.ts'
import { describeEnvironment } from '../environment.ts'
import type { Objective } from '../objective.ts'
import { installHint, missingPrograms, requirePrograms } from '../programs.ts'
import { makeReport, type Report, type Skipped } from '../report.ts'
import { seededRandom } from '../seeded-random.ts'
import type { Program } from '../tunnel.ts'
import { oppositeEnds, withAuthorityApart } from './ends.ts'
import { factsOf, type MttrFault } from './fault-names.ts'
import { realFaults, type FaultPort } from './injection.ts'
import { resultsOf } from './mttr-results.ts'
import { mttrNotes } from './mttr-notes.ts'
import { runFault, unavailable } from './run-fault.ts'
import type { RunRecord } from './run-record.ts'
import { inRealTime, type Scheduling } from './scheduling.ts'
import type { MttrSystem, RunningSystem } from './system.ts'

export interface MttrOptions extends BedPortOptions {
  readonly systems: readonly MttrSystem[]
  readonly faults: readonly MttrFault[]
  readonly topology: Topology
  /** The shape that the topology was made from, for the report. */
  readonly shape: string
  /** Runs of each fault on x0t; `peerRuns` on others. */
  readonly runs: number
  readonly peerRuns: number
  /** Datagrams a second. */
  readonly rateHz: number
  /** A stream that has not come back after so long has not recovered, ms. */
  readonly observeMs: number
  readonly seed: number
  /** For the processes of all systems alike. */
  readonly scheduling: Scheduling
  /** Of the testbeds of all systems: with `bpf` a fault also hits what is forwarded by XDP. */
  readonly cables?: CableKind
  readonly runFolder: string
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly onProgress?: (text: string) => void
  /** Injects the faults; absent: really. */
  readonly port?: FaultPort
}

/** A report of recoveries, with every run that it rests on. */
export interface MttrReport extends Report {
  readonly runs: readonly RunRecord[]
}

/** Name of the testbed: its namespaces are x0t-mttr-s and so on. */
const mttrBed = 'mttr'
/** The stream is sent one datagram at a time, by a program whose timer fires for each. */
export const mostRateHz = 10_000
/** Runs of a fault in one testbed; then it is made anew, with fresh daemons, and other systems have their turn. */
const runsPerRound = 5

const programs: readonly Program[] = [
  { program: 'ip', package: 'iproute2' },
  { program: 'tc', package: 'iproute2' },
  { program: 'nft', package: 'nftables' },
  { program: 'nsenter', package: 'util-linux' },
  { program: 'chrt', package: 'util-linux' },
  { program: 'sysctl', package: 'procps' },
  { program: 'ping', package: 'iputils-ping' },
]

/**
 * Breaks the path of a numbered stream again and again and measures how long each system takes to mend it. Systems run
 * one after the other in testbeds of their own, in rounds of five runs a fault, in an order shuffled by round.
 * @throws X0tError BENCH_TOOL_MISSING, BENCH_OPTION_INVALID, TESTBED_NEEDS_ROOT, TESTBED_EXISTS
 */
export async function mttrBench(options: MttrOptions): Promise<MttrReport> {
  const { faults, seed, shape, rateHz, command, objectives, onProgress = () => {} } = options
  checkOptions(options)
  const path = options.env['PATH'] ?? ''
  await requirePrograms(programs, path)
  const { able, skipped } = await sortOut(options, path)
  const run = options.run ?? systemRun(options.env)
  const versions: Record<string, string> = { ...options.versions }
  for (const system of able)
    if (system.version !== undefined) versions[system.name] = await system.version(run)
  const environment = await describeEnvironment(versions)
  const timestamp = new Date().toISOString()
  const random = seededRandom(seed)
  const runs: RunRecord[] = []
  const failed: Skipped[] = []
  const runsOf = ({ isX0t }: MttrSystem): number => (isX0t === true ? options.runs : options.peerRuns)
  const most = Math.max(...able.map(runsOf))
  for (let first = 1; first <= most; first += runsPerRound) {
    for (const system of shuffle(able, random)) {
      const last = Math.min(first + runsPerRound - 1, runsOf(system))
      if (last < first) continue
      const turns = faults
        .filter((fault) => whyNot(system, fault) === undefined)
        .flatMap((fault) => Array.from({ length: last - first + 1 }, (_, at) => ({ fault, run: first + at })))
      const round = { random, runs, skipped, failed, onProgress }
      // Faults that need nodes of another kind have a testbed of their own.
      const special = (fault: MttrFault): string => (system.runnerFor?.[fault] === undefined ? '' : fault)
      for (const some of Map.groupBy(shuffle(turns, random), ({ fault }) => special(fault)).values())
        await runRound(options, system, some, round)
    }
  }
  listRuns(runs, { skipped, failed })
  const parameters = {
    shape,
    faults: faults.join(','),
    runs: options.runs,
    peerRuns: options.peerRuns,
    rateHz,
    observeMs: options.observeMs,
    seed,
    scheduling: options.scheduling,
    cables: options.cables ?? 'veth',
  }
  const notes = [...mttrNotes(options), ...able.map(({ setup }) => setup)]
  const results = resultsOf(runs)
  const parts = { kind: 'mttr', timestamp, environment, command, parameters, results, skipped, failed, notes }
  return { ...makeReport(parts, objectives), runs }
}

/** Lists the runs that do not count; where none counts, there is no figure, and that is a failure. */
function listRuns(
  runs: readonly RunRecord[],
  { skipped, failed }: { readonly skipped: Skipped[]; readonly failed: Skipped[] },
): void {
  for (const { system, fault, run, outcome, reason = '' } of runs) {
    const entry = { path: `${system}/${fault}`, reason: `run ${run}: ${outcome}: ${reason}` }
    if (outcome === 'invalid') skipped.push(entry)
    else if (outcome !== 'recovered' && outcome !== 'undisturbed') failed.push(entry)
  }
  for (const [path, group] of Map.groupBy(runs, ({ system, fault }) => `${system}/${fault}`))
    if (group.every(({ outcome }) => outcome === 'invalid')) failed.push({ path, reason: 'no run was valid' })
}

interface Turn {
  readonly fault: MttrFault
  readonly run: number
  /** It was run before and was invalid. */
  readonly isAgain?: true
}

interface Round {
  readonly random: () => number
  readonly runs: RunRecord[]
  readonly skipped: Skipped[]
  readonly failed: Skipped[]
  readonly onProgress: (text: string) => void
}

/** Runs of one system in one testbed; after a run that went wrong, in a new one. */
async function runRound(
  options: MttrOptions,
  system: MttrSystem,
  turns: readonly Turn[],
  round: Round,
): Promise<void> {
  const waiting = [...turns]
  while (waiting.length > 0) {
    options.signal.throwIfAborted()
    try {
      await runInBed(options, system, waiting, round)
    } catch (error) {
      const isSpecial = system.runnerFor?.[waiting[0]!.fault] !== undefined
      if (isSpecial && hasCode(error, 'TESTBED_TOOL_MISSING')) {
        round.skipped.push({ path: `${system.name}/${waiting[0]!.fault}`, reason: messageOf(error) })
        return
      }
      if (options.signal.aborted || isFatal(error)) throw error
      const reason = `did not come up for ${waiting.length} runs: ${messageOf(error)}`
      round.failed.push({ path: system.name, reason })
      round.onProgress(`${system.name} ${reason}`)
      return
    }
  }
}

/** Takes turns off `waiting` until none is left or a run went wrong. */
async function runInBed(
  options: MttrOptions,
  system: MttrSystem,
  waiting: Turn[],
  { random, runs, skipped, onProgress }: Round,
): Promise<void> {
  const { onProgress: _told, port = realFaults, ...ports } = options
  const special = system.runnerFor?.[waiting[0]!.fault]
  const runner = special ?? system.runner ?? { kind: 'none' as const }
  const topology = special === undefined ? options.topology : withAuthorityApart(options.topology)
  onProgress(`${system.name}: bringing up ${topology.hosts.length} hosts`)
  await using bed = await createBed({ ...ports, name: mttrBed, topology, runner })
  await using started: RunningSystem = await system.start(bedTools(bed))
  const hosts = bed.plan.hosts.map((host) => host.name)
  const running = options.scheduling === 'round-robin' ? await inRealTime(started, hosts, bed.run) : started
  const ends = oppositeEnds(options.topology)
  while (waiting.length > 0) {
    const turn = waiting.shift()!
    const { fault, run } = turn
    const path = `${system.name}/${fault}`
    if (skipped.some((one) => one.path === path)) continue
    try {
      const record = await runFault({ ...options, ...ends, bed, system, running, fault, run, random, port })
      runs.push(record)
      onProgress(progressOf(record, system.isX0t === true ? options.runs : options.peerRuns))
      if (record.outcome === 'invalid' && turn.isAgain !== true) waiting.push({ ...turn, isAgain: true })
      if (record.outcome === 'failed' || record.outcome === 'not-recovered') return
    } catch (error) {
      if (!unavailable.some((code) => hasCode(error, code))) throw error
      skipped.push({ path, reason: messageOf(error) })
      onProgress(`${path} is left out: ${messageOf(error)}`)
    }
  }
}

function progressOf(record: RunRecord, of: number): string {
  const { system, fault, run, outcome, outageMs, lost, target, reason } = record
  const what =
    outcome === 'recovered' || outcome === 'undisturbed'
      ? `outage ${outageMs.toFixed(1)} ms, ${lost} lost`
      : `${outcome}: ${reason ?? ''}`
  return `${system}/${fault} run ${run} of ${of} on ${target}: ${what}`
}

function checkOptions({ runs, peerRuns, rateHz, observeMs, faults }: MttrOptions): void {
  const check = (name: string, value: number, least: number, most: number): void => {
    if (value >= least && value <= most) return
    throw new X0tError('BENCH_OPTION_INVALID', `${name} is ${value}; expected ${least} to ${most}`, {
      exitCode: 2,
    })
  }
  check('the number of faults', faults.length, 1, 100)
  check('the number of runs', runs, 1, 10_000)
  check('the number of runs of peers', peerRuns, 1, 10_000)
  check('the rate in datagrams a second', rateHz, 10, mostRateHz)
  check('the time of observation in milliseconds', observeMs, 2000, 600_000)
}

/** Which systems can be measured here, and which faults make no sense on them. */
async function sortOut(
  { systems, faults }: MttrOptions,
  path: string,
): Promise<{ readonly able: readonly MttrSystem[]; readonly skipped: Skipped[] }> {
  const able: MttrSystem[] = []
  const skipped: Skipped[] = []
  for (const system of systems) {
    const missing = await missingPrograms(system.programs, path)
    if (missing.length > 0) {
      const names = missing.map(({ program }) => program).join(', ')
      skipped.push({ path: system.name, reason: `not installed: ${names}`, install: installHint(missing) })
      continue
    }
    able.push(system)
    for (const fault of faults) {
      const reason = whyNot(system, fault)
      if (reason !== undefined) skipped.push({ path: `${system.name}/${fault}`, reason })
    }
  }
  return { able, skipped }
}

/** Why a fault makes no sense on a system. */
function whyNot(system: MttrSystem, fault: MttrFault): string | undefined {
  return system.inapplicable?.[fault] ?? (system.isX0t === true ? undefined : factsOf(fault).onlyX0t)
}

/** A random order (Fisher and Yates). */
function shuffle<T>(list: readonly T[], random: () => number): readonly T[] {
  const order = [...list]
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[order[at], order[other]] = [order[other]!, order[at]!]
  }
  return order
}

/** Failures that would only repeat themselves. */
function isFatal(error: unknown): boolean {
  const codes = ['TESTBED_NEEDS_ROOT', 'TESTBED_EXISTS', 'TESTBED_NAMESPACE_EXISTS', 'TESTBED_TOOL_MISSING']
  return codes.some((code) => hasCode(error, code))
}
