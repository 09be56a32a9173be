import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import {
  bedStatus,
  clearFaults,
  createBed,
  injectFault,
  neighboursOf,
  type Bed,
  type BedPortOptions,
  type RunnerSpec,
  type Topology,
} from '@x0t/testbed'
import { describeEnvironment } from './environment.ts'
import type { Objective } from './objective.ts'
import { reachability } from './reachability.ts'
import { makeReport, type Report, type Skipped } from './report.ts'
import { sampleBook } from './result.ts'
import { seededRandom } from './seeded-random.ts'
import { leastSquaresSlope } from './statistics.ts'

export interface SoakOptions extends BedPortOptions {
  readonly topology: Topology
  readonly runner: RunnerSpec
  readonly runFolder: string
  readonly durationMs: number
  /** How long a fault stays. */
  readonly faultMs: number
  /** How long the mesh has after healing until every pair must reach each other. */
  readonly recoverWithinMs: number
  /** The same seed gives the same faults in the same order. */
  readonly seed: number
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly onProgress?: (text: string) => void
}

/** A fault that the soak chose. */
export interface ChosenFault {
  readonly target: string
  readonly action: string
}

/** Name of the testbed of a soak. */
const soakBed = 'soak'

/**
 * Runs a mesh for hours under random faults, one at a time, and looks after each healing whether every host reaches
 * every other one. Results: recover (s), unreachable-pairs, crashes, rss-slope/<host> (MiB/h), rss/<host> (MiB).
 */
export async function soakBench(options: SoakOptions): Promise<Report> {
  const {
    topology,
    durationMs,
    faultMs,
    recoverWithinMs,
    seed,
    command,
    objectives,
    onProgress = () => {},
  } = options
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  await using bed = await createBed({
    ...options,
    name: soakBed,
    onProgress: (up, of) => onProgress(`${up} of ${of} hosts are up`),
  })
  const { clock, signal } = bed
  const random = seededRandom(seed)
  const book = sampleBook()
  const failed: Skipped[] = []
  const memory = memoryWatch(bed)
  const started = await waitForAll(bed, recoverWithinMs)
  if (started === undefined) {
    throw new X0tError('BENCH_TUNNEL_DOWN', 'not every host reached every other one before the first fault')
  }
  book.add('converge', 's', started)
  const until = clock.monotonicMs() + durationMs
  for (let round = 1; clock.monotonicMs() < until; round++) {
    signal.throwIfAborted()
    const fault = chooseFault(topology, random)
    onProgress(`round ${round}: ${fault.target} ${fault.action}`)
    await memory.sample()
    await injectFault(bed, fault.target, fault.action)
    await delay(faultMs, undefined, { signal })
    book.add('unexpected-deaths', '', await unexpectedDeaths(bed))
    await clearFaults(bed)
    const recoveredS = await waitForAll(bed, recoverWithinMs)
    if (recoveredS !== undefined) book.add('recover', 's', recoveredS)
    const { unreachable } = recoveredS === undefined ? await reachability(bed) : { unreachable: [] }
    book.add('unreachable-pairs', '', unreachable.length)
    if (unreachable.length > 0) {
      const reason = `round ${round}: ${unreachable.length} pairs out of reach: ${unreachable.slice(0, 10).join(' ')}`
      failed.push({ path: `${fault.target} ${fault.action}`, reason })
      onProgress(reason)
    }
  }
  await memory.sample()
  memory.addTo(book)
  const parameters = { durationMs, faultMs, recoverWithinMs, seed, hosts: topology.hosts.length }
  const notes = [
    `Random faults, one at a time, seed ${seed}: a link that loses none of the hosts goes down, silent or lossy, a node ` +
      'other than the first crashes and is started again, or freezes. recover: from healing until every pair answered ' +
      'a ping; it includes the start of a crashed node. rss-slope: least squares over the samples of one process.',
    'One machine, few cores: a false alarm here may be the scheduler.',
  ]
  const results = book.results()
  return makeReport(
    { kind: 'soak', timestamp, environment, command, parameters, results, skipped: [], failed, notes },
    objectives,
  )
}

const linkActions = ['down', 'blackhole', 'loss=10%', 'loss=30%'] as const
const nodeActions = ['crash', 'freeze'] as const

/** A random fault: three of four hit a link, the others a node; the first host holds the authority and stays. */
export function chooseFault(topology: Topology, random: () => number): ChosenFault {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const others = topology.hosts.slice(1).filter((host) => neighboursOf(topology).get(host)!.length > 0)
  if (topology.links.length === 0 || others.length === 0) throw new RangeError('a soak needs links')
  if (random() < 0.75) {
    const { a, b } = pick(topology.links)
    return { target: `link:${a}-${b}`, action: pick(linkActions) }
  }
  return { target: `node:${pick(others)}`, action: pick(nodeActions) }
}

/** Seconds until every pair reaches each other; undefined if that takes longer than allowed. */
async function waitForAll(bed: Bed, withinMs: number): Promise<number | undefined> {
  const startMs = bed.clock.monotonicMs()
  do {
    bed.signal.throwIfAborted()
    const { unreachable } = await reachability(bed, { tries: 1 })
    if (unreachable.length === 0) return (bed.clock.monotonicMs() - startMs) / 1000
  } while (bed.clock.monotonicMs() - startMs < withinMs)
  return undefined
}

/** Nodes that are dead although no fault crashed them. */
async function unexpectedDeaths(bed: Bed): Promise<number> {
  const { hosts, faults } = await bedStatus(bed)
  const crashed = new Set(faults.filter(({ kind }) => kind === 'crash').map(({ target }) => target))
  return hosts.filter(({ name, state }) => state === 'dead' && !crashed.has(`node:${name}`)).length
}

/** Resident memory of every process over time; a restart begins a new line. */
function memoryWatch(bed: Bed): {
  sample(): Promise<void>
  addTo(book: ReturnType<typeof sampleBook>): void
} {
  const lines = new Map<
    string,
    { readonly host: string; readonly points: [hours: number, mebibytes: number][] }
  >()
  return {
    async sample() {
      const { hosts } = await bedStatus(bed)
      for (const { name, pid, residentBytes } of hosts) {
        if (pid === null || residentBytes === null) continue
        const line = lines.get(`${name} ${pid}`) ?? { host: name, points: [] }
        lines.set(`${name} ${pid}`, line)
        line.points.push([bed.clock.monotonicMs() / 3_600_000, residentBytes / 2 ** 20])
      }
    },
    addTo(book) {
      for (const { host, points } of lines.values()) {
        book.add(`rss/${host}`, 'MiB', ...points.map(([, mebibytes]) => mebibytes))
        if (points.length >= 10) book.add(`rss-slope/${host}`, 'MiB/h', leastSquaresSlope(points))
      }
    },
  }
}
