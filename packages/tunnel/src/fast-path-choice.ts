import { readProgram, type BpfBackend } from '@x0t/bpf'
import { messageOf, X0tError, type Log } from '@x0t/core'
import type { FastPathInterface } from './fast-path-attachments.ts'
import { systemHost, type FastPathHost } from './fast-path-host.ts'
import { openFastPath, type FastPath } from './fast-path.ts'

/** How the data plane is to probe and forward. */
export interface FastPathChoice {
  /** `auto`: in the kernel where that can, else in this process; `on`: in the kernel or not at all. */
  readonly mode: 'auto' | 'on'
  /** Between two probes of the kernel, ms; `auto` by default. */
  readonly interval?: number | 'auto'
  /** First 8 bytes of the id of a neighbour. */
  readonly labelOf: (neighbour: string) => Uint8Array
  /** Other than the system's own, for tests. */
  readonly backend?: () => Promise<BpfBackend>
  readonly host?: FastPathHost
  readonly pinRoot?: string
}

/** Which path is in use, and why not the other. */
export type FastPathStatus =
  | {
      readonly path: 'kernel'
      readonly interfaces: readonly FastPathInterface[]
      /** Links of an earlier process were at work when this one began. */
      readonly takenOver: boolean
    }
  | { readonly path: 'userspace'; readonly problem: X0tError | undefined }

export interface ChosenFastPath {
  readonly fastPath: FastPath | undefined
  readonly status: () => FastPathStatus
}

/** @throws X0tError FAST_PATH_… where the mode is `on` and the kernel cannot */
export async function chooseFastPath(
  choice: FastPathChoice | undefined,
  plane: {
    readonly selfLabel: Uint8Array
    readonly port: number
    readonly tunName: string | undefined
    readonly misses: number
    readonly log: Log
  },
): Promise<ChosenFastPath> {
  if (choice === undefined) return inUserspace(undefined)
  const { mode, interval = 'auto', labelOf, host = systemHost, pinRoot = '/sys/fs/bpf/x0t' } = choice
  try {
    const backend = await (choice.backend ?? nativeBackend)()
    const object = await readProgram('fastpath')
    const chainFile = async (): Promise<Uint8Array> => readProgram('chain')
    const fastPath = await openFastPath({
      ...plane,
      backend,
      object,
      chainFile,
      host,
      pinRoot,
      labelOf,
      interval,
    })
    return {
      fastPath,
      status: () => ({
        path: 'kernel',
        interfaces: fastPath.interfaces(),
        takenOver: fastPath.inherited !== undefined,
      }),
    }
  } catch (error) {
    const problem = asProblem(error)
    if (mode === 'on') throw problem
    const { code, message, hint } = problem
    plane.log.warn('fast-path-unavailable', { code, message, hint })
    return inUserspace(problem)
  }
}

function inUserspace(problem: X0tError | undefined): ChosenFastPath {
  return { fastPath: undefined, status: () => ({ path: 'userspace', problem }) }
}

async function nativeBackend(): Promise<BpfBackend> {
  const { openNativeBackend } = await import('@x0t/bpf')
  return openNativeBackend()
}

/** Whatever went wrong, the node can run without. */
function asProblem(error: unknown): X0tError {
  if (error instanceof X0tError) return error
  return new X0tError('FAST_PATH_FAILED', `the fast path could not be started: ${messageOf(error)}`, {
    cause: error,
  })
}
