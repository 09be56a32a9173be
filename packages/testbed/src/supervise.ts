import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '@x0t/core'
import type { Bed } from './bed.ts'
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
  /** Milliseconds between two looks. */
  readonly everyMs?: number
}

/** Least time between two starts of the same host, milliseconds: a program that cannot start must not spin. */
const restartAfterMs = 1000

/** Watches the programs of the hosts until the signal, or until the testbed is gone; tells of each end once. */
export async function* superviseBed(
  bed: Bed,
  options: SuperviseOptions,
): AsyncGenerator<HostEvent, void, void> {
  const { restart, signal, everyMs = 200 } = options
  const told = new Map<string, number>()
  const triedAtMs = new Map<string, number>()
  while (!signal.aborted && (await bed.folder.exists())) {
    for (const { name: host } of bed.plan.hosts) {
      const program = await bed.folder.process(host)
      if (program === undefined || (await processState(program)) !== 'dead') continue
      const { pid } = program
      if (told.get(host) !== pid) {
        told.set(host, pid)
        yield { kind: 'exited', host, pid }
      }
      const waitedMs = bed.clock.monotonicMs() - (triedAtMs.get(host) ?? -Infinity)
      if (!restart || signal.aborted || waitedMs < restartAfterMs) continue
      triedAtMs.set(host, bed.clock.monotonicMs())
      try {
        const started = await startHost(bed, host)
        await bed.folder.removeFault({ target: `node:${host}`, kind: 'crash' })
        if (started !== undefined) yield { kind: 'restarted', host, pid: started.pid }
      } catch (error) {
        yield { kind: 'restart-failed', host, pid, problem: messageOf(error) }
      }
    }
    await delay(everyMs, undefined, { signal }).catch(() => {})
  }
}
