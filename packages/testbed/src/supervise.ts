import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '@x0t/core'
import type { Bed } from './bed.ts'
import type { HostProcess } from './manifest.ts'
import { processState } from './process-table.ts'
import { startHost } from './start-host.ts'

/** What a supervisor saw or did. */
export interface HostEvent {
  readonly kind: 'exited' | 'restarted' | 'restart-failed'
  readonly host: string
  readonly pid: number
  readonly problem?: string
}

export interface SuperviseOptions {
  /** Start a host again whose program ended, as a service manager does; a crash fault of it is then over. */
  readonly restart: boolean
  readonly signal: AbortSignal
  /** Milliseconds between two looks at /proc. */
  readonly everyMs?: number
}

/** A program that ends sooner after its start has died quickly: the next start of it waits. */
const quickDeathMs = 10_000
/** Waits before the start after none, one, two, … quick deaths in a row. */
const backOffMs = [0, 0, 200, 500, 1000, 2000, 5000, 10_000]
/** Between two looks whether the testbed itself is still there. */
const bedLookMs = 500

interface WatchedHost {
  program: HostProcess | undefined
  toldPid: number | undefined
  quickDeaths: number
  startAtMs: number
  starting: boolean
}

/** Watches the programs of the hosts until the signal, or until the testbed is gone; tells of each end once. */
export async function* superviseBed(
  bed: Bed,
  options: SuperviseOptions,
): AsyncGenerator<HostEvent, void, void> {
  const { restart, signal, everyMs = 25 } = options
  const { clock, folder } = bed
  const watched = new Map<string, WatchedHost>()
  const events: HostEvent[] = []
  const starts = new Set<Promise<void>>()

  const startAgain = async (host: string, watch: WatchedHost): Promise<void> => {
    const { pid } = watch.program!
    try {
      watch.program = (await startHost(bed, host)) ?? watch.program
      await folder.removeFault({ target: `node:${host}`, kind: 'crash' })
      events.push({ kind: 'restarted', host, pid: watch.program!.pid })
    } catch (error) {
      bookDeath(watch, 0)
      events.push({ kind: 'restart-failed', host, pid, problem: messageOf(error) })
    } finally {
      watch.starting = false
    }
  }
  const bookDeath = (watch: WatchedHost, livedMs: number): void => {
    watch.quickDeaths = livedMs < quickDeathMs ? watch.quickDeaths + 1 : 0
    const waitMs = backOffMs[Math.min(watch.quickDeaths, backOffMs.length - 1)]!
    watch.startAtMs = clock.monotonicMs() + waitMs
  }
  const look = async (host: string): Promise<void> => {
    const watch = watched.get(host) ?? newWatch()
    watched.set(host, watch)
    if (watch.starting) return
    if (watch.program !== undefined && (await processState(watch.program)) !== 'dead') return
    // Somebody else may have started it meanwhile.
    watch.program = await folder.process(host)
    const { program } = watch
    if (program === undefined || (await processState(program)) !== 'dead') return
    if (watch.toldPid !== program.pid) {
      watch.toldPid = program.pid
      events.push({ kind: 'exited', host, pid: program.pid })
      bookDeath(watch, clock.wallMs() - program.startedAtMs)
    }
    if (!restart || signal.aborted || clock.monotonicMs() < watch.startAtMs) return
    watch.starting = true
    const started = startAgain(host, watch)
    starts.add(started)
    void started.finally(() => starts.delete(started))
  }

  let nextBedLookMs = -Infinity
  try {
    while (!signal.aborted) {
      if (clock.monotonicMs() >= nextBedLookMs) {
        if (!(await folder.exists())) break
        nextBedLookMs = clock.monotonicMs() + bedLookMs
      }
      await Promise.all(bed.plan.hosts.map(({ name }) => look(name)))
      while (events.length > 0) yield events.shift()!
      await delay(everyMs, undefined, { signal }).catch(() => {})
    }
  } finally {
    // None may go on starting while the testbed is taken down.
    await Promise.all(starts)
  }
}

function newWatch(): WatchedHost {
  return { program: undefined, toldPid: undefined, quickDeaths: 0, startAtMs: -Infinity, starting: false }
}
