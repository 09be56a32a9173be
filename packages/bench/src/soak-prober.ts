import { Worker } from 'node:worker_threads'
import type { ProbePair } from './soak-connectivity.ts'
import type { ProbeFate } from './soak-availability.ts'

/** What the thread of the prober is told. */
export interface ProberOptions {
  /** File of the network namespace, and overlay address, of each host. */
  readonly hosts: readonly { readonly namespace: string; readonly address: string }[]
  readonly pairs: readonly ProbePair[]
  /** Time between two probes of a pair. */
  readonly intervalMs: number
  /** An answer that takes longer is none. */
  readonly deadlineMs: number
}

/** Memory shared with the thread: a word that stops it, and per pair when the last probe that was answered was sent. */
export interface ProberMemory {
  readonly stop: Int32Array<SharedArrayBuffer>
  readonly lastAnsweredMs: Float64Array<SharedArrayBuffer>
}

/** Small datagrams between hosts of a testbed, over the overlay, there and back. */
export interface Prober extends AsyncDisposable {
  /** Pairs without an answer to a probe that was sent at or after `sinceMs`. */
  unanswered(sinceMs: number): readonly number[]
}

/** CLOCK_MONOTONIC, ms: the same in all threads and programs of a machine. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/**
 * Starts a thread that holds one socket in the namespace of each host. The ends of a pair take turns in asking, so that
 * each probe and its answer cross both directions. Fates come once they are certain: after the deadline.
 */
export function startProber(options: ProberOptions, onFate: (fate: ProbeFate) => void): Prober {
  const memory: ProberMemory = {
    stop: new Int32Array(new SharedArrayBuffer(4)),
    lastAnsweredMs: new Float64Array(new SharedArrayBuffer(8 * options.pairs.length)).fill(-Infinity),
  }
  const worker = new Worker(new URL('soak-prober-worker.ts', import.meta.url), {
    workerData: { options, memory },
    name: 'x0t-soak-probe',
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 },
  })
  let failure: Error | undefined
  worker.on('error', (error: Error) => (failure = error))
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  // Triples: pair, when it was sent, round trip or a negative number.
  worker.on('message', (fates: Float64Array) => {
    for (let at = 0; at < fates.length; at += 3)
      onFate({ pair: fates[at]!, sentMs: fates[at + 1]!, answered: fates[at + 2]! >= 0 })
  })
  return {
    unanswered(sinceMs) {
      if (failure !== undefined) throw failure
      return options.pairs.flatMap((_, pair) => (memory.lastAnsweredMs[pair]! >= sinceMs ? [] : [pair]))
    },
    async [Symbol.asyncDispose]() {
      Atomics.store(memory.stop, 0, 1)
      await ended
      if (failure !== undefined) throw failure
    },
  }
}
