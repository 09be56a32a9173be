import { setTimeout as delay } from 'node:timers/promises'
import { messageOf, X0tError } from '@x0t/core'
import {
  createBed,
  signalProcess,
  superviseBed,
  waitForEnd,
  type Bed,
  type BedPortOptions,
  type CableKind,
  type HostEvent,
  type Topology,
} from '@x0t/testbed'
import { bedTools } from './bed-tools.ts'
import { describeEnvironment } from './environment.ts'
import { machineMs } from './mttr/machine-clock.ts'
import { startStream } from './mttr/stream/stream.ts'
import type { MttrSystem, RunningSystem } from './mttr/system.ts'
import { settleWithinMs, untilSettled } from './mttr/until-settled.ts'
import type { Objective } from './objective.ts'
import { makeReport, type Report, type Skipped } from './report.ts'
import { sampleBook, type SampleBook } from './result.ts'
import { countBurst, type BurstCount } from './takeover-count.ts'

export interface TakeoverOptions extends BedPortOptions {
  readonly systems: readonly MttrSystem[]
  /** Kills of each system. */
  readonly runs: number
  /** Numbered datagrams of a run; the relay's daemon is killed in the middle of them. */
  readonly packets: number
  /** Datagrams a second. */
  readonly rateHz: number
  readonly cables?: CableKind
  readonly runFolder: string
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly onProgress?: (text: string) => void
}

const takeoverBed = 'takeover'
/** Source, the relay that is killed, destination: there is no other way. */
const chain: Topology = {
  hosts: ['s', 'a', 'd'],
  links: [
    { a: 's', b: 'a' },
    { a: 'a', b: 'd' },
  ],
}
const relay = 'a'
/** A daemon that its supervisor has not brought up again after so long is not coming, ms. */
const restartWithinMs = 60_000

/**
 * Kills the daemon of the only relay of a chain in the middle of a numbered stream, under a supervisor that starts it again
 * at once, and counts what is lost until the end of the stream. Results: `lost/<system>` (of `packets` datagrams),
 * `outage/<system>` (longest run of them, ms), `restart/<system>` (from the kill until the daemon is up, ms) and, where
 * something was lost, `first-loss/<system>` (from the kill until the first of it, ms).
 * @throws X0tError BENCH_OPTION_INVALID, TESTBED_NEEDS_ROOT, TESTBED_EXISTS
 */
export async function takeoverBench(options: TakeoverOptions): Promise<Report> {
  const { systems, runs, packets, rateHz, command, objectives, onProgress = () => {} } = options
  checkOptions(options)
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  const book = sampleBook()
  const failed: Skipped[] = []
  for (const system of systems) {
    try {
      await killRelay(options, system, book)
    } catch (error) {
      options.signal.throwIfAborted()
      failed.push({ path: system.name, reason: messageOf(error) })
      onProgress(`${system.name}: ${messageOf(error)}`)
    }
  }
  const parts = {
    kind: 'takeover',
    timestamp,
    environment,
    command,
    parameters: { runs, packets, rateHz, cables: options.cables ?? 'veth' },
    results: book.results(),
    skipped: [],
    failed,
    notes: [
      `A chain s, a, d in network namespaces of one machine. In the middle of ${packets} numbered UDP datagrams from s to d, ` +
        `one every ${1000 / rateHz} ms, the daemon of a gets SIGKILL; a supervisor starts it again at once.`,
      'lost: datagrams of these that never arrived. outage: longest run of missing numbers times the interval. restart: ' +
        'from the kill until the daemon says that it is up; where that is after the end of the stream, all of its second half ' +
        'flowed without a daemon at a.',
      ...systems.map(({ setup }) => setup),
    ],
  }
  return makeReport(parts, objectives)
}

async function killRelay(options: TakeoverOptions, system: MttrSystem, book: SampleBook): Promise<void> {
  const { runs, packets, rateHz, onProgress = () => {} } = options
  const { onProgress: _told, ...ports } = options
  onProgress(`${system.name}: bringing up ${chain.hosts.length} hosts`)
  const runner = system.runner ?? { kind: 'none' as const }
  await using bed = await createBed({ ...ports, name: takeoverBed, topology: chain, runner })
  await using running: RunningSystem = await system.start(bedTools(bed))
  await using supervisor = supervise(bed)
  for (let run = 1; run <= runs; run++) {
    const { lost, outageMs, firstLossMs, restartMs } = await killOnce(options, system, {
      bed,
      running,
      supervisor,
    })
    book.add(`lost/${system.name}`, 'packets', lost)
    book.add(`outage/${system.name}`, 'ms', outageMs)
    book.add(`restart/${system.name}`, 'ms', restartMs)
    if (firstLossMs !== undefined) book.add(`first-loss/${system.name}`, 'ms', firstLossMs)
    const since = firstLossMs === undefined ? '' : `, the first ${firstLossMs.toFixed(0)} ms after the kill`
    onProgress(
      `${system.name} run ${run} of ${runs}: ${lost} of ${packets} lost${since}, outage ${outageMs.toFixed(1)} ms at ` +
        `${rateHz} Hz, daemon back after ${Math.round(restartMs)} ms`,
    )
  }
}

interface Scene {
  readonly bed: Bed
  readonly running: RunningSystem
  readonly supervisor: Supervisor
}

async function killOnce(
  { packets, rateHz }: TakeoverOptions,
  system: MttrSystem,
  { bed, running, supervisor }: Scene,
): Promise<BurstCount & { readonly restartMs: number }> {
  const { signal } = bed
  const halfMs = ((packets / 2) * 1000) / rateHz
  await using stream = await startStream(bed, {
    source: 's',
    destination: 'd',
    from: running.addressOf('s'),
    to: running.addressOf('d'),
    intervalMs: 1000 / rateHz,
    key: 1,
    mostMs: settleWithinMs + 2 * halfMs + 60_000,
  })
  await untilSettled({ system, running, signal }, stream)
  const victims = await running.processesOf(relay)
  if (victims.length === 0) throw new X0tError('BENCH_TUNNEL_DOWN', `no daemon runs on ${relay}`)
  const fromMs = machineMs()
  await delay(halfMs, undefined, { signal })
  const killedMs = machineMs()
  for (const one of victims) await signalProcess(one, 'SIGKILL', { group: true })
  const restarted = supervisor.restartOf(relay)
  const left = await waitForEnd(victims, 2000, bed.clock)
  if (left.length > 0) throw new X0tError('BENCH_FAULT_UNSEEN', `pid ${left[0]!.pid} of ${relay} still runs`)
  // Numbers that the sender passed over make the stream a little longer.
  await delay(Math.max(0, fromMs + 2 * halfMs + 500 - machineMs()), undefined, { signal })
  const log = await stream.end()
  const restartMs = (await restarted) - killedMs
  return { ...countBurst(log, { fromMs, packets, killedMs }), restartMs }
}

interface Supervisor extends AsyncDisposable {
  /** When the daemon of a host is up again after its next end, CLOCK_MONOTONIC in ms. */
  restartOf(host: string): Promise<number>
}

/** Starts daemons that end again, as a service manager would. */
function supervise(bed: Bed): Supervisor {
  const stop = new AbortController()
  const signal = AbortSignal.any([bed.signal, stop.signal])
  const waiting = new Map<string, PromiseWithResolvers<number>>()
  const told = ({ kind, host, problem }: HostEvent): void => {
    if (kind === 'exited') return
    const one = waiting.get(host)
    waiting.delete(host)
    if (kind === 'restarted') one?.resolve(machineMs())
    else
      one?.reject(
        new X0tError('BENCH_TUNNEL_DOWN', `the daemon of ${host} did not start again: ${problem ?? ''}`),
      )
  }
  const watch = (async () => {
    for await (const event of superviseBed(bed, { restart: true, signal, everyMs: 10 })) told(event)
  })()
  return {
    restartOf(host) {
      const one = Promise.withResolvers<number>()
      one.promise.catch(() => {})
      waiting.set(host, one)
      const timer = setTimeout(() => {
        one.reject(new X0tError('BENCH_TUNNEL_DOWN', `the daemon of ${host} was not started again`))
      }, restartWithinMs)
      void one.promise.catch(() => {}).finally(() => clearTimeout(timer))
      return one.promise
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await watch.catch(() => {})
    },
  }
}

function checkOptions({ runs, packets, rateHz }: TakeoverOptions): void {
  const check = (name: string, value: number, least: number, most: number): void => {
    if (value >= least && value <= most) return
    throw new X0tError('BENCH_OPTION_INVALID', `${name} is ${value}; expected ${least} to ${most}`, {
      exitCode: 2,
    })
  }
  check('the number of runs', runs, 1, 1000)
  check('the number of packets', packets, 100, 1_000_000)
  check('the rate in datagrams a second', rateHz, 10, 10_000)
}
