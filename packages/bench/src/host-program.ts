import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { X0tError } from '@x0t/core'
import { inNamespace, plannedHost, type Bed } from '@x0t/testbed'

/** A program of this package that runs on a host and is asked line by line. Disposing closes its input and waits for its end. */
export interface HostProgram extends AsyncDisposable {
  readonly pid: number
  /** What it said when it was ready: a document of JSON. */
  readonly ready: unknown
  /** Sends it a line of JSON and returns its answer. @throws X0tError BENCH_MEASUREMENT_FAILED if it ends */
  ask(question: unknown): Promise<unknown>
}

/** Node, and the verifier of the kernel, may take so long on a busy machine. */
const readyWithinMs = 60_000
const endWithinMs = 5000

/**
 * Starts a program on a host and waits until it says that it is ready.
 * @param file the module of the program
 * @throws X0tError BENCH_MEASUREMENT_FAILED with what it complained of
 */
export async function startHostProgram(
  bed: Bed,
  host: string,
  file: URL,
  words: readonly string[],
): Promise<HostProgram> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', fileURLToPath(file), ...words]
  const [command, ...argv] = inNamespace(plannedHost(bed.plan, host).namespace, node)
  const child = spawn(command!, argv, { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: bed.env['PATH'] } })
  let complaint = ''
  child.stderr.on('data', (chunk) => void (complaint = `${complaint}${String(chunk)}`.slice(-2000)))
  const ended = once(child, 'close')
  ended.catch(() => {})
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const failed = (cause?: unknown): X0tError =>
    new X0tError(
      'BENCH_MEASUREMENT_FAILED',
      `${file.pathname.split('/').at(-1)!} on ${host}: ${complaint.trim() || 'it ended'}`,
      {
        cause,
      },
    )
  const next = async (signal: AbortSignal): Promise<unknown> => {
    const aborted = once(signal, 'abort').then(() => {
      throw failed(signal.reason)
    })
    aborted.catch(() => {})
    const line = await Promise.race([lines.next(), aborted])
    if (line.done === true) throw failed()
    return JSON.parse(line.value) as unknown
  }
  const end = async (): Promise<void> => {
    child.stdin.end()
    const timer = setTimeout(() => void child.kill('SIGKILL'), endWithinMs)
    await ended.catch(() => {})
    clearTimeout(timer)
  }
  try {
    const ready = await next(AbortSignal.any([bed.signal, AbortSignal.timeout(readyWithinMs)]))
    return {
      pid: child.pid!,
      ready,
      async ask(question) {
        child.stdin.write(`${JSON.stringify(question)}\n`)
        return next(bed.signal)
      },
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    child.kill('SIGKILL')
    await ended.catch(() => {})
    bed.signal.throwIfAborted()
    throw error
  }
}
