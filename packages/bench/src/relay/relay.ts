import { availableParallelism } from 'node:os'
import { messageOf, X0tError } from '@x0t/core'
import {
  createBed,
  linkBetween,
  type Bed,
  type BedPortOptions,
  type ProcessIdentity,
  type Topology,
} from '@x0t/testbed'
import { describeEnvironment } from '../environment.ts'
import { startHostProgram, type HostProgram } from '../host-program.ts'
import type { Objective } from '../objective.ts'
import { requirePrograms } from '../programs.ts'
import { searchRate, type RateTrial } from '../rate-search.ts'
import { makeReport, type Report, type Skipped } from '../report.ts'
import { sampleBook, type SampleBook } from '../result.ts'
import { cpuSecondsOf } from '../usage.ts'
import { dataFrame } from './data-frame.ts'
import type { GeneratorJob, GeneratorOrder, GeneratorReply } from './generator-state.ts'
import { threadReceiving } from './receive-threads.ts'
import { macOf, startPlanes, type PlaneReply } from './relay-hosts.ts'
import { hopKey } from './static-mesh.ts'

/**
 * Who forwards at the relay: the fast path in the kernel, the workers of the data plane, or plain IPv4 routing of the
 * kernel, which checks, numbers and tags nothing.
 */
export type RelayPath = 'xdp' | 'userspace' | 'routing'

export const relayPaths: readonly RelayPath[] = ['xdp', 'userspace', 'routing']

export interface RelayOptions extends BedPortOptions {
  /** Rounds; each measures every path once. */
  readonly runs: number
  /** Length of one trial of a rate. */
  readonly seconds: number
  /** Of each datagram, without headers of UDP and IP. */
  readonly datagramBytes: number
  readonly runFolder: string
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly onProgress?: (text: string) => void
}

const relayBed = 'relay'
const [source, relay, destination] = ['s', 'a', 'd'] as const
const chain: Topology = {
  hosts: [source, relay, destination],
  links: [
    { a: source, b: relay },
    { a: relay, b: destination },
  ],
}
/** Processors: of the generator, and of all that the relay does. */
const [generatorCpu, relayCpu] = [0, 1]
/** Loss up to which a rate counts as carried. */
const mostLossRatio = 0.01
/** All paths carry this, so that their processor time can be compared at one rate. */
const commonRate = 20_000
/** What is under way when the generator has ended has this long to arrive. */
const lastArrivalsMs = 100

const programs = [
  { program: 'ip', package: 'iproute2' },
  { program: 'nsenter', package: 'util-linux' },
  { program: 'taskset', package: 'util-linux' },
  { program: 'renice', package: 'bsdutils' },
  { program: 'ethtool', package: 'ethtool' },
  { program: 'sysctl', package: 'procps' },
  { program: 'ping', package: 'iputils-ping' },
]

/**
 * Sends valid data datagrams through a relay and finds the highest rate that it carries, and the processor time it takes for
 * each, with the fast path in the kernel, in userspace, and by plain routing. Results: `pps/<path>` (packets/s at 1 % loss or
 * less), `cpu/<path>` (µs of processor time of the relay for each packet at that rate), `load/<path>` (% of one processor
 * at 20,000 packets/s).
 * @throws X0tError BENCH_TOOL_MISSING, BENCH_OPTION_INVALID, TESTBED_NEEDS_ROOT, TESTBED_EXISTS
 */
export async function relayBench(options: RelayOptions): Promise<Report> {
  const { runs, seconds, datagramBytes, command, objectives, onProgress = () => {} } = options
  checkOptions(options)
  await requirePrograms(programs, options.env['PATH'] ?? '')
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  const book = sampleBook()
  const failed: Skipped[] = []
  for (let round = 1; round <= runs; round++) {
    for (const path of round % 2 === 0 ? relayPaths.toReversed() : relayPaths) {
      onProgress(`round ${round} of ${runs}: ${path}`)
      try {
        await measurePath(options, path, book)
      } catch (error) {
        options.signal.throwIfAborted()
        failed.push({ path, reason: `round ${round}: ${messageOf(error)}` })
        onProgress(`round ${round} of ${runs}: ${path} failed: ${messageOf(error)}`)
      }
    }
  }
  const parts = {
    kind: 'relay',
    timestamp,
    environment,
    command,
    parameters: { runs, seconds, datagramBytes },
    results: book.results(),
    skipped: [],
    failed,
    notes: [
      `A chain s, a, d of network namespaces joined by veth pairs. A program in the kernel of s sends datagrams of ` +
        `${datagramBytes} bytes, each with a number and a tag of its own, from processor ${generatorCpu}; everything that a does ` +
        `runs on processor ${relayCpu}: its receiving, in threads of the kernel, and its data plane. An XDP program at d counts and ` +
        'drops; that takes part of the time of a.',
      'xdp: the fast path, which checks number, tag and hop limit, looks up the route, and numbers and tags anew. userspace: the ' +
        'same by the worker threads of the data plane. routing: IPv4 forwarding of the kernel, of the same frames, which does none ' +
        'of that. Keys and routes are made up by the benchmark; the neighbours are data planes that answer probes.',
      `pps: highest rate with 1 % loss or less, best of a search with trials of ${seconds} s. cpu: time of these threads and of the ` +
        `data plane of a for each packet at that rate. load: share of processor ${relayCpu} at ${commonRate} packets/s.`,
    ],
  }
  return makeReport(parts, objectives)
}

interface Trial extends RateTrial {
  /** What the generator managed of the rate that was asked for. */
  readonly sentPerSecond: number
  /** Processor time of the relay for each packet that arrived, s. */
  readonly cpuSecondsPerPacket: number
}

async function measurePath(options: RelayOptions, path: RelayPath, book: SampleBook): Promise<void> {
  const { onProgress = () => {}, seconds } = options
  const { onProgress: _told, ...ports } = options
  await using bed = await createBed({
    ...ports,
    name: relayBed,
    topology: chain,
    runner: { kind: 'none' },
    forward: path === 'routing',
  })
  await using stack = new AsyncDisposableStack()
  const threads = await threadReceiving(bed, relay, [`to-${source}`, `to-${destination}`])
  const daemons = path === 'routing' ? [] : await startRelay(bed, path, stack)
  await placeRelay(bed, threads, daemons)
  const sink = stack.use(
    await startHostProgram(bed, destination, new URL('./sink-program.ts', import.meta.url), [`to-${relay}`]),
  )
  const generator = stack.use(await startGenerator(bed, path, options.datagramBytes))
  await bed.run(['taskset', '--all-tasks', '-cp', String(generatorCpu), String(generator.pid)])
  await hurry(bed, generator.pid, -20)
  const tried: Trial[] = []
  const measured = [...threads, ...daemons]
  const trial = async (ratePerSecond: number): Promise<Trial> => {
    const found = await tryRate({ generator, sink, measured }, ratePerSecond, seconds)
    tried.push(found)
    onProgress(
      `${path}: ${Math.round(found.sentPerSecond)} packets/s offered, ${Math.round(found.receivedPerSecond)} carried, ` +
        `${(found.lossRatio * 100).toFixed(2)} % lost`,
    )
    return found
  }
  const common = await trial(commonRate)
  book.add(`load/${path}`, '%', common.cpuSecondsPerPacket * commonRate * 100)
  const best = await searchRate(trial, { from: 2 * commonRate, mostLossRatio, refinements: 4 })
  const at = tried.find(
    ({ receivedPerSecond, lossRatio }) => receivedPerSecond === best && lossRatio <= mostLossRatio,
  )
  if (at === undefined) throw new X0tError('BENCH_MEASUREMENT_FAILED', 'no rate came through')
  book.add(`pps/${path}`, 'packets/s', best)
  book.add(`cpu/${path}`, 'µs', at.cpuSecondsPerPacket * 1e6)
}

async function startRelay(
  bed: Bed,
  path: RelayPath,
  stack: AsyncDisposableStack,
): Promise<readonly ProcessIdentity[]> {
  const planes = await startPlanes(bed, { fastPath: path === 'xdp' }, stack)
  const program = planes.get(relay)!
  const { path: inUse } = program.ready as PlaneReply
  if ((inUse === 'kernel') !== (path === 'xdp'))
    throw new X0tError('BENCH_LIVENESS_UNAVAILABLE', `the data plane of ${relay} forwards in ${inUse}`)
  return [{ pid: program.pid, startTicks: 0 }]
}

/** Puts all that the relay does on one processor; receiving comes before the data plane, as an interrupt would. */
async function placeRelay(
  bed: Bed,
  threads: readonly ProcessIdentity[],
  daemons: readonly ProcessIdentity[],
): Promise<void> {
  if (threads.length < 2)
    throw new X0tError('BENCH_MEASUREMENT_FAILED', 'the kernel made no threads that receive at the relay')
  for (const { pid } of [...threads, ...daemons])
    await bed.run(['taskset', '--all-tasks', '-cp', String(relayCpu), String(pid)])
  for (const { pid } of threads) await hurry(bed, pid, -20)
  for (const { pid } of daemons) await hurry(bed, pid, -15)
}

/** Before other work on the machine, which would be measured too. */
async function hurry(bed: Bed, pid: number, niceness: number): Promise<void> {
  await bed.run(['sh', '-c', `renice -n ${niceness} -p $(ls /proc/${pid}/task)`])
}

async function startGenerator(bed: Bed, path: RelayPath, datagramBytes: number): Promise<HostProgram> {
  const { a: own, b: next } = linkBetween(bed.plan, source, relay)
  const { b: far } = linkBetween(bed.plan, relay, destination)
  if (path === 'routing') {
    // The relay's kernel must know the neighbour's address on the link before the flood.
    await bed.run(['nsenter', `--net=/run/netns/${own.namespace}`, 'ping', '-c', '1', '-W', '2', far.ipv4])
  }
  const frame = dataFrame({
    from: { host: source, mac: await macOf(bed, own.namespace, own.interface), ipv4: own.ipv4 },
    to: { host: relay, mac: await macOf(bed, next.namespace, next.interface), ipv4: next.ipv4 },
    ...(path === 'routing' ? { targetIpv4: far.ipv4 } : {}),
    destination,
    datagramBytes,
  })
  const job: GeneratorJob = {
    keyHex: Buffer.from(hopKey(source, relay)).toString('hex'),
    frameHex: Buffer.from(frame).toString('hex'),
    ifindex: own.index,
  }
  const file = new URL('./generator-program.ts', import.meta.url)
  return startHostProgram(bed, source, file, [JSON.stringify(job)])
}

async function tryRate(
  {
    generator,
    sink,
    measured,
  }: {
    readonly generator: HostProgram
    readonly sink: HostProgram
    readonly measured: readonly ProcessIdentity[]
  },
  ratePerSecond: number,
  seconds: number,
): Promise<Trial> {
  const arrivedSoFar = async (): Promise<number> =>
    ((await sink.ask({})) as { readonly packets: number }).packets
  const [arrivedBefore, cpuBefore] = [await arrivedSoFar(), await cpuSecondsOf(measured)]
  const order: GeneratorOrder = { ratePerSecond, ms: seconds * 1000 }
  const { packets, ms } = (await generator.ask(order)) as GeneratorReply
  if (packets < 2) throw new X0tError('BENCH_MEASUREMENT_FAILED', 'the generator sent nothing')
  const cpuSeconds = (await cpuSecondsOf(measured)) - cpuBefore
  await new Promise((resolve) => setTimeout(resolve, lastArrivalsMs))
  const arrived = (await arrivedSoFar()) - arrivedBefore
  return {
    sentPerSecond: packets / (ms / 1000),
    receivedPerSecond: arrived / (ms / 1000),
    lossRatio: Math.max(0, 1 - arrived / packets),
    cpuSecondsPerPacket: arrived === 0 ? 0 : cpuSeconds / arrived,
  }
}

function checkOptions({ runs, seconds, datagramBytes }: RelayOptions): void {
  const check = (name: string, value: number, least: number, most: number): void => {
    if (value >= least && value <= most) return
    throw new X0tError('BENCH_OPTION_INVALID', `${name} is ${value}; expected ${least} to ${most}`, {
      exitCode: 2,
    })
  }
  check('the number of runs', runs, 1, 1000)
  check('the length of a trial in seconds', seconds, 0.25, 60)
  check('the size of a datagram in bytes', datagramBytes, 64, 1400)
  check('the number of processors', availableParallelism(), 2, Infinity)
}
