import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { X0tError } from '@x0t/core'
import { inNamespace, plannedHost, type Bed } from '@x0t/testbed'

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

/** Node and the verifier may take so long on a busy machine. */
const attachWithinMs = 60_000

/** Attaches observers in the namespace of a host. @throws X0tError BENCH_MEASUREMENT_FAILED */
export async function attachObservers(bed: Bed, host: string, job: AttachJob): Promise<AttachedObservers> {
  const program = fileURLToPath(new URL('./attach-program.ts', import.meta.url))
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', program, JSON.stringify(job)]
  const [file, ...words] = inNamespace(plannedHost(bed.plan, host).namespace, node)
  const child = spawn(file!, words, { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: bed.env['PATH'] } })
  let complaint = ''
  child.stderr.on('data', (chunk) => void (complaint = `${complaint}${String(chunk)}`.slice(-2000)))
  const ended = once(child, 'close')
  ended.catch(() => {})
  const end = async (): Promise<void> => {
    child.stdin.end()
    await ended
  }
  try {
    const line = once(createInterface({ input: child.stdout }), 'line', {
      signal: AbortSignal.any([bed.signal, AbortSignal.timeout(attachWithinMs)]),
    })
    line.catch(() => {})
    const early = ended.then(() => {
      throw new Error(`it ended: ${complaint.trim()}`)
    })
    early.catch(() => {})
    const [text] = (await Promise.race([line, early])) as [string]
    return { ...(JSON.parse(text) as AttachedReply), [Symbol.asyncDispose]: end }
  } catch (error) {
    child.kill('SIGKILL')
    await ended.catch(() => {})
    bed.signal.throwIfAborted()
    throw new X0tError('BENCH_MEASUREMENT_FAILED', `programs cannot be attached on ${host}`, {
      cause: error,
    })
  }
}
