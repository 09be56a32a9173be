import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import { createBed, type BedPortOptions, type CableKind, type Topology } from '@x0t/testbed'
import { bedTools } from './bed-tools.ts'
import { describeEnvironment } from './environment.ts'
import { oppositeEnds } from './mttr/ends.ts'
import { machineMs } from './mttr/machine-clock.ts'
import { measureStream } from './mttr/measure-stream.ts'
import { startStream } from './mttr/stream/stream.ts'
import { inRealTime, type Scheduling } from './mttr/scheduling.ts'
import type { MttrSystem, RunningSystem } from './mttr/system.ts'
import type { Objective } from './objective.ts'
import { requirePrograms } from './programs.ts'
import { makeReport, type Report } from './report.ts'
import { sampleBook, type SampleBook } from './result.ts'

export interface CalmOptions extends BedPortOptions {
  readonly systems: readonly MttrSystem[]
  readonly topology: Topology
  /** The shape that the topology was made from, for the report. */
  readonly shape: string
  readonly durationMs: number
  /** Processor hogs of stress-ng beside the mesh; 0: none. */
  readonly hogs: number
  /** Datagrams a second. */
  readonly rateHz: number
  readonly cables?: CableKind
  /** For the processes of all systems alike; `ordinary` where absent. */
  readonly scheduling?: Scheduling
  readonly runFolder: string
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly onProgress?: (text: string) => void
}

const calmBed = 'calm'
/** The system and the stream have this long to settle before the hogs start, ms. */
const settleMs = 10_000
const progressMs = 30_000
/** What was sent later than this before the end may still be under way. */
const underWayMs = 500
/** So many false failovers are told one by one. */
const mostTold = 20

/**
 * Leaves a mesh alone, with processor hogs beside it, and counts what it does although nothing is wrong. Results:
 * `false-failovers/<system>` (links or paths that were given up), `lost/<system>`, `late/<system>` (packets of a numbered
 * stream), `outage/<system>` (its longest run of missing numbers, ms).
 * @throws X0tError BENCH_TOOL_MISSING, BENCH_OPTION_INVALID, BENCH_TUNNEL_DOWN, TESTBED_NEEDS_ROOT
 */
export async function calmBench(options: CalmOptions): Promise<Report> {
  const { systems, shape, durationMs, hogs, rateHz, command, objectives } = options
  if (!(durationMs >= 1000 && rateHz >= 10 && rateHz <= 5000 && hogs >= 0)) {
    throw new X0tError('BENCH_OPTION_INVALID', 'expected at least 1 s, 10 to 5000 datagrams a second', {
      exitCode: 2,
    })
  }
  const stress = { program: 'stress-ng', package: 'stress-ng' }
  await requirePrograms(hogs > 0 ? [stress] : [], options.env['PATH'] ?? '')
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  const book = sampleBook()
  const alarms: string[] = []
  for (const system of systems) alarms.push(...(await leaveAlone(options, system, book)))
  return makeReport(
    {
      kind: 'calm',
      timestamp,
      environment,
      command,
      parameters: {
        shape,
        seconds: durationMs / 1000,
        hogs,
        rateHz,
        cables: options.cables ?? 'veth',
        scheduling: options.scheduling ?? 'ordinary',
      },
      results: book.results(),
      skipped: [],
      failed: [],
      notes: [
        `Nothing is broken. ${hogs === 0 ? 'No load.' : `stress-ng --cpu ${hogs} runs beside the mesh the whole time.`} ` +
          'false-failovers: links that a node declared down, paths that it gave up, sessions of a routing daemon that ended.',
        `lost, late, outage: of one numbered UDP datagram of 64 bytes every ${1000 / rateHz} ms from end to end; late is ` +
          'what took 10 ms longer than the 99th percentile of the first second.',
        ...systems.map(({ setup }) => setup),
        ...alarms,
      ],
    },
    objectives,
  )
}

/** A hog that cannot run ends the run; one that is ended at the end does not. */
async function endOfLoad(load: Promise<unknown>, ended: AbortSignal): Promise<void> {
  try {
    await load
  } catch (error) {
    if (!ended.aborted) throw error
  }
}

async function leaveAlone(
  options: CalmOptions,
  system: MttrSystem,
  book: SampleBook,
): Promise<readonly string[]> {
  const { onProgress = () => {}, durationMs, hogs, rateHz, topology } = options
  onProgress(`${system.name}: bringing up ${topology.hosts.length} hosts`)
  const { onProgress: _told, ...ports } = options
  const runner = system.runner ?? { kind: 'none' as const }
  await using bed = await createBed({ ...ports, name: calmBed, runner })
  await using started: RunningSystem = await system.start(bedTools(bed))
  const hosts = bed.plan.hosts.map(({ name }) => name)
  const running = options.scheduling === 'round-robin' ? await inRealTime(started, hosts, bed.run) : started
  const { source, destination } = oppositeEnds(topology)
  const sleep = (ms: number): Promise<void> => delay(ms, undefined, { signal: bed.signal })
  await using stream = await startStream(bed, {
    source,
    destination,
    from: running.addressOf(source),
    to: running.addressOf(destination),
    intervalMs: 1000 / rateHz,
    key: 1,
    mostMs: settleMs + durationMs + 60_000,
  })
  await sleep(settleMs)
  const fromMs = machineMs()
  const ended = new AbortController()
  const signal = AbortSignal.any([bed.signal, ended.signal])
  const load: Promise<unknown> =
    hogs === 0
      ? Promise.resolve()
      : bed.run(
          [
            'stress-ng',
            '--quiet',
            '--cpu',
            String(hogs),
            '--timeout',
            `${Math.ceil(durationMs / 1000) + 5}s`,
          ],
          {
            signal,
          },
        )
  const loaded = endOfLoad(load, ended.signal)
  try {
    for (let doneMs = 0; doneMs < durationMs; doneMs = machineMs() - fromMs) {
      await Promise.race([
        sleep(Math.min(progressMs, durationMs - doneMs)),
        ...(hogs === 0 ? [] : [loaded.then(() => sleep(durationMs))]),
      ])
      const alarms = await running.alarms?.(fromMs)
      const told = alarms === undefined ? '' : `, ${alarms.length} false failovers`
      onProgress(`${system.name}: ${Math.round((machineMs() - fromMs) / 1000)} s${told}`)
    }
  } finally {
    ended.abort()
    await loaded.catch(() => {})
  }
  const untilMs = machineMs()
  const alarms = await running.alarms?.(fromMs)
  await sleep(underWayMs)
  const measure = measureStream(await stream.end(), {
    baselineMs: fromMs - 1000,
    injectedMs: [fromMs, fromMs],
    judgedUntilMs: untilMs - underWayMs,
  })
  if (alarms !== undefined) book.add(`false-failovers/${system.name}`, 'count', alarms.length)
  book.add(`lost/${system.name}`, 'packets', measure.lost)
  book.add(`late/${system.name}`, 'packets', measure.late)
  book.add(`sent/${system.name}`, 'packets', measure.sent)
  book.add(`outage/${system.name}`, 'ms', measure.outageMs)
  return (alarms ?? [])
    .slice(0, mostTold)
    .map(
      ({ host, event, atMs }) =>
        `False failover of ${system.name}: ${event} on ${host} after ${((atMs - fromMs) / 1000).toFixed(3)} s.`,
    )
}
