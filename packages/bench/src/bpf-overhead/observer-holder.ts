import type { Bed } from '@x0t/testbed'
import { startHostProgram } from '../host-program.ts'

/** What the program that attaches is told when it starts. */
export interface HolderJob {
  /** Objects it loads. */
  readonly observers: readonly string[]
  readonly interface: string
  /** Whose waits for a processor are observed. */
  readonly watchedPid: number
}

/** What it is asked, line by line. */
export type HolderQuestion =
  /** From now on the programs of these objects are attached, and no others. */
  | { readonly attach: readonly string[] }
  /** What the interface with this address has received, and what the machine has worked. */
  | { readonly read: string }

export interface AttachedProgram {
  readonly program: string
  /** In the kernel. */
  readonly id: number
}

export interface AttachedReply {
  readonly attached: readonly AttachedProgram[]
  /** What could not be loaded or attached so far. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[]
}

export interface Counters {
  readonly bytes: number
  /** Processor time of the machine, seconds. */
  readonly busySeconds: number
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly atNs: number
}

/** A process on a host that holds observers, attached or not. Disposing it detaches and unloads them. */
export interface ObserverHolder extends AsyncDisposable {
  attach(observers: readonly string[]): Promise<AttachedReply>
  read(address: string): Promise<Counters>
}

/** Loads observers in the namespace of a host; none is attached yet. @throws X0tError BENCH_MEASUREMENT_FAILED */
export async function startObserverHolder(bed: Bed, host: string, job: HolderJob): Promise<ObserverHolder> {
  const file = new URL('./holder-program.ts', import.meta.url)
  const program = await startHostProgram(bed, host, file, [JSON.stringify(job)])
  const ask = (question: HolderQuestion): Promise<unknown> => program.ask(question)
  return {
    attach: async (names) => (await ask({ attach: names })) as AttachedReply,
    read: async (address) => (await ask({ read: address })) as Counters,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
}
