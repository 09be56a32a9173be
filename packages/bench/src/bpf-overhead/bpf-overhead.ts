import { X0tError } from '@x0t/core'
import { openNativeBackend } from '@x0t/bpf'
import type { BedPortOptions, RunnerSpec } from '@x0t/testbed'
import { describeEnvironment } from '../environment.ts'
import { makeLab } from '../lab.ts'
import { withoutOffloads } from '../loss.ts'
import type { Objective } from '../objective.ts'
import { veth, x0t } from '../peers/index.ts'
import { measuringPrograms, requirePrograms } from '../programs.ts'
import { makeReport, type Report, type Skipped } from '../report.ts'
import { sampleBook, type SampleBook } from '../result.ts'
import { startObservedStreams, type ObservedStreams, type StreamWindow } from './observed-streams.ts'
import { noop, observers } from './observers.ts'

export interface BpfOverheadOptions extends BedPortOptions {
  /** Rounds; each measures every variant once, and once without beside it. */
  readonly runs: number
  /** Length of a window. */
  readonly seconds: number
  /** TCP streams at once, each between processes of its own. As many as processors leave none idle. */
  readonly streams: number
  /** Also each object by itself, and one that does nothing. */
  readonly each: boolean
  /** Offloads of the links: with them one buffer stands for up to 64 KiB, without for a packet. */
  readonly offloads: boolean
  /** The streams go through the tunnel of x0t nodes, run so; absent: over the bare link. */
  readonly x0tRunner?: RunnerSpec
  readonly runFolder: string
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly onProgress?: (text: string) => void
}

/** Objects that are attached; none: what the others are compared with. */
interface Variant {
  readonly name: string
  readonly observers: readonly string[]
}

/** As many server ports are taken. */
const mostStreams = 256

const bare: Variant = { name: 'none', observers: [] }

/**
 * Attaches the programs that observe beside TCP streams over a veth pair, or through a tunnel over it, detaches them, and so
 * on, and compares throughput and processor time. Results: `tcp/<variant>` (Mbit/s), `cpu/<variant>` (processor seconds
 * of the whole machine per GB received), `overhead-throughput/<variant>` and `overhead-cpu/<variant>` (%, each window
 * against the one without beside it), and of a last window with statistics `run-time/<program>` (ns), `runs/<program>` (per
 * second) and `share/all` (% of the busy processor time that all of them took). Variants: `none`, `all`, and with `each`
 * every object by itself and `noop`.
 * @throws X0tError BENCH_TOOL_MISSING, BENCH_OPTION_INVALID, BENCH_MEASUREMENT_FAILED, TESTBED_NEEDS_ROOT
 */
export async function bpfOverheadBench(options: BpfOverheadOptions): Promise<Report> {
  const {
    runs,
    seconds,
    streams: count,
    each,
    offloads,
    x0tRunner,
    command,
    objectives,
    onProgress = () => {},
  } = options
  checkOptions(options)
  await requirePrograms(measuringPrograms, options.env['PATH'] ?? '')
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  const book = sampleBook()
  const names = observers.map(({ name }) => name)
  const variants: readonly Variant[] = [
    { name: 'all', observers: names },
    ...(each ? [noop.name, ...names].map((name): Variant => ({ name, observers: [name] })) : []),
  ]
  const refused = new Map<string, string>()
  await using lab = await makeLab({
    ...options,
    relays: 0,
    forward: false,
    ...(x0tRunner === undefined ? {} : { runner: x0tRunner }),
  })
  if (!offloads) await withoutOffloads(lab)
  const tunnel = x0tRunner === undefined ? veth : x0t
  await using streams = await startObservedStreams(
    lab,
    tunnel,
    count,
    ({ name, reason }) => void refused.set(name, reason),
  )
  for (let round = 1; round <= runs; round++) {
    for (const variant of variants) {
      onProgress(`round ${round} of ${runs}: ${variant.name}`)
      // What comes second finds the machine as the first left it: each is second every other round.
      const order = round % 2 === 0 ? [variant, bare] : [bare, variant]
      const found = new Map<string, Sample>()
      for (const one of order) {
        await streams.attach(one.observers)
        found.set(one.name, sampleOf(await streams.window(seconds)))
      }
      const [without, withThem] = [found.get(bare.name)!, found.get(variant.name)!]
      addSamples(book, variant.name, without, withThem)
    }
  }
  onProgress('counting runs of the programs')
  await countRuns(streams, seconds, names, book)
  const skipped: Skipped[] = [...refused].map(([path, reason]) => ({ path, reason }))
  const parts = {
    kind: 'bpf',
    timestamp,
    environment,
    command,
    parameters: { runs, seconds, streams: count, each, offloads, through: tunnel.name },
    results: book.results(),
    skipped,
    failed: [],
    notes: [
      `${count} TCP streams of iperf3 that run all the while, each between processes of its own, between two network ` +
        'namespaces joined by a veth pair, link offloads ' +
        `${offloads ? 'on' : 'off'}, ${x0tRunner === undefined ? 'over the bare link' : 'through the tunnel of x0t nodes'}; ` +
        `both ends share the cores of this machine. Windows of ${seconds} s with and without programs alternate, and which ` +
        'of the two comes first does too.',
      'tcp: what the receiving interface counts, headers of IP included. cpu: busy time of all processors (/proc/stat: user, ' +
        'system, interrupts) per GB of it. overhead: each window with programs against the window without beside it, below 0 ' +
        'where it was the better one.',
      'The processes that attach and detach run in both. flow is attached to the interfaces of both hosts; the others see the ' +
        'whole machine and are attached once. run-time, runs and share (of the busy time of all processors) are of one more ' +
        'window with statistics of the kernel on, whose reading of the clock is part of the time of each run.',
    ],
  }
  return makeReport(parts, objectives)
}

/** What a window of the stream came to. */
interface Sample {
  readonly mbitPerSecond: number
  readonly cpuSecondsPerGb: number
}

function sampleOf({ bytes, seconds, busySeconds }: StreamWindow): Sample {
  if (bytes === 0) throw new X0tError('BENCH_MEASUREMENT_FAILED', 'nothing of the streams arrived')
  return { mbitPerSecond: (bytes * 8) / 1e6 / seconds, cpuSecondsPerGb: busySeconds / (bytes / 1e9) }
}

function addSamples(book: SampleBook, name: string, without: Sample, withThem: Sample): void {
  for (const [path, sample] of [
    [bare.name, without],
    [name, withThem],
  ] as const) {
    book.add(`tcp/${path}`, 'Mbit/s', sample.mbitPerSecond)
    book.add(`cpu/${path}`, 's/GB', sample.cpuSecondsPerGb)
  }
  const { throughput, cpu } = overhead(without, withThem)
  book.add(`overhead-throughput/${name}`, '%', throughput)
  book.add(`overhead-cpu/${name}`, '%', cpu)
}

/** What the programs cost, % of what there was without them; below 0 where the run with them was the better one. */
export function overhead(
  without: Sample,
  withThem: Sample,
): { readonly throughput: number; readonly cpu: number } {
  return {
    throughput: (1 - withThem.mbitPerSecond / without.mbitPerSecond) * 100,
    cpu: (withThem.cpuSecondsPerGb / without.cpuSecondsPerGb - 1) * 100,
  }
}

/** One window with everything attached and the kernel's statistics on: how often each program runs, and for how long. */
async function countRuns(
  streams: ObservedStreams,
  seconds: number,
  names: readonly string[],
  book: SampleBook,
): Promise<void> {
  const attached = (await streams.attach(names)).flatMap((reply) => reply.attached)
  const backend = openNativeBackend()
  using statistics = backend.enableStatistics()
  void statistics
  const read = async (): Promise<ReadonlyMap<number, { runs: number; ns: number }>> => {
    const programs = await backend.listPrograms()
    return new Map(programs.map(({ id, runCount, runTimeNs }) => [id, { runs: runCount, ns: runTimeNs }]))
  }
  const before = await read()
  const window = await streams.window(seconds)
  const after = await read()
  let totalNs = 0
  for (const { program, id } of attached) {
    const runs = (after.get(id)?.runs ?? 0) - (before.get(id)?.runs ?? 0)
    const ns = (after.get(id)?.ns ?? 0) - (before.get(id)?.ns ?? 0)
    book.add(`runs/${program}`, '1/s', runs / window.seconds)
    if (runs > 0) book.add(`run-time/${program}`, 'ns', ns / runs)
    totalNs += ns
  }
  book.add('share/all', '%', (totalNs / 1e9 / window.busySeconds) * 100)
}

function checkOptions({ runs, seconds, streams }: BpfOverheadOptions): void {
  if (
    runs >= 1 &&
    runs <= 10_000 &&
    seconds >= 1 &&
    seconds <= 3600 &&
    streams >= 1 &&
    streams <= mostStreams
  )
    return
  throw new X0tError(
    'BENCH_OPTION_INVALID',
    `expected 1 to 10000 runs of 1 to 3600 seconds, and 1 to ${mostStreams} streams`,
    { exitCode: 2 },
  )
}
