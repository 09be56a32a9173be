import type { Bed } from '@x0t/testbed'
import { startHostProgram } from '../host-program.ts'

/** What the program that attaches is told. */
export interface AttachJob {
  readonly observers: readonly string[]
  readonly interface: string
  /** Whose waits for a processor are observed. */
  readonly watchedPid: number
}

/** What it answers when everything that can be attached is. */
export interface AttachedReply {
  /** Programs by object, with their ids in the kernel. */
  readonly attached: readonly { readonly name: string; readonly program: string; readonly id: number }[]
  readonly refused: readonly { readonly name: string; readonly reason: string }[]
}

/** Observers that are attached on a host. Disposing detaches them all. */
export interface AttachedObservers extends AttachedReply, AsyncDisposable {}

/** Attaches observers in the namespace of a host. @throws X0tError BENCH_MEASUREMENT_FAILED */
export async function attachObservers(bed: Bed, host: string, job: AttachJob): Promise<AttachedObservers> {
  const file = new URL('./attach-program.ts', import.meta.url)
  const program = await startHostProgram(bed, host, file, [JSON.stringify(job)])
  return {
    ...(program.ready as AttachedReply),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
}
