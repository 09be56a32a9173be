import { superviseBed, type Bed } from '@x0t/testbed'
import { inBoth, type AvailabilityBook } from './soak-availability.ts'
import { connectedPairs, type Disturbance, type ProbePair } from './soak-connectivity.ts'
import { machineMs } from './soak-prober.ts'

/** Keeps the book of availability true to what is injected, and restarts hosts as a service manager does. */
export interface SoakRun extends AsyncDisposable {
  /** Runs a change; from its end on these disturbances hold. While it runs, only what holds before and after counts. */
  change<T>(disturbances: readonly Disturbance[], fault: string, run: () => Promise<T>): Promise<T>
  /** Settles when the host has been started again; from then on it counts as there. Call it before the crash. */
  restarted(host: string): Promise<void>
  /** Hosts that ended without a fault, in the order in which they did. */
  readonly died: readonly string[]
}

export function soakRun(bed: Bed, pairs: readonly ProbePair[], book: AvailabilityBook): SoakRun {
  const stop = new AbortController()
  const died: string[] = []
  const awaited = new Map<string, () => void>()
  let connected = connectedPairs(bed.plan, pairs, [])
  let problem: Error | undefined
  book.enter(machineMs(), connected, 'none')

  const supervise = async (): Promise<void> => {
    for await (const { kind, host } of superviseBed(bed, { restart: true, signal: stop.signal })) {
      if (kind === 'exited' && !awaited.has(host)) died.push(host)
      if (kind === 'restarted') awaited.get(host)?.()
    }
  }
  const supervised = supervise().catch((error: unknown) => (problem = error as Error))

  return {
    died,
    async change(disturbances, fault, run) {
      if (problem !== undefined) throw problem
      const after = connectedPairs(bed.plan, pairs, disturbances)
      book.enter(machineMs(), inBoth(connected, after), fault)
      connected = after
      try {
        return await run()
      } finally {
        book.enter(machineMs(), after, fault)
      }
    },
    restarted(host) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const onAbort = (): void => reject(bed.signal.reason as Error)
      bed.signal.addEventListener('abort', onAbort, { once: true })
      awaited.set(host, resolve)
      return promise.finally(() => {
        awaited.delete(host)
        bed.signal.removeEventListener('abort', onAbort)
      })
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await supervised
    },
  }
}
