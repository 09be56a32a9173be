import { fork } from 'node:child_process'
import { messageOf, X0tError } from '@x0t/core'
import type { Job, JobResult } from './job.ts'

/** What the process of a job says. */
export type JobMessage =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'done'; readonly result: JobResult }
  | { readonly kind: 'failed'; readonly reason: string }

/**
 * Measures in a process of its own: what it holds in memory is of this job alone, and no job finds the heap of another.
 * @throws X0tError BENCH_MEASUREMENT_FAILED
 */
export async function runIsolated(
  job: Job,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (text: string) => void },
): Promise<JobResult> {
  signal.throwIfAborted()
  const child = fork(new URL('job-program.ts', import.meta.url), [], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc'],
    // A result goes to stdout of the command, and to nothing else.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const onAbort = (): void => void child.kill()
  signal.addEventListener('abort', onAbort)
  try {
    return await new Promise<JobResult>((resolve, reject) => {
      const fail = (reason: string): void =>
        reject(new X0tError('BENCH_MEASUREMENT_FAILED', `dao ${job.kind}: ${reason}`))
      child.on('message', (message: JobMessage) => {
        if (message.kind === 'progress') onProgress(message.text)
        else if (message.kind === 'done') resolve(message.result)
        else fail(message.reason)
      })
      child.on('error', (error) => fail(messageOf(error)))
      child.on('exit', (code, by) =>
        signal.aborted ? reject(signal.reason) : fail(`ended by ${by ?? code}`),
      )
      child.send(job)
    })
  } finally {
    signal.removeEventListener('abort', onAbort)
    child.kill()
    if (child.connected) child.disconnect()
  }
}
