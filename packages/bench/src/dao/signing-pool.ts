import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { RecordId } from '@x0t/dao'
import { masterSeedBytes } from '@x0t/keys'
import type { Progress } from './job.ts'

/** What a thread is given: the members whose keys or ballots it makes, by their master seeds. */
export interface SigningTask {
  readonly seeds: readonly Uint8Array[]
  /** The vote that they cast; absent: only their keys are wanted. */
  readonly vote?: { readonly dao: RecordId; readonly proposal: RecordId }
}

/** Keys and signed ballots (without a vote: of no bytes), as `ballot-file.ts` writes them. */
export type SigningAnswer = Uint8Array<ArrayBuffer>

export interface SigningOptions {
  readonly seeds: readonly Uint8Array[]
  readonly vote?: SigningTask['vote']
  readonly threads: number
  readonly signal: AbortSignal
  readonly onProgress: Progress
}

/** Ballots that a thread makes between two answers. */
const perTask = 250
/** Progress is told about this often. */
const tellEveryMs = 5000

/** Seeds of members that exist for this run only. */
export function memberSeeds(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, () => randomBytes(masterSeedBytes))
}

/**
 * Makes the keys of members and lets each sign a ballot, over worker threads: about a millisecond of a processor each.
 * `onAnswer` gets them by the hundred, with the place of the first, one call after the other.
 */
export async function signBallots(
  { seeds, vote, threads, signal, onProgress }: SigningOptions,
  onAnswer: (answer: SigningAnswer, from: number) => Promise<void>,
): Promise<void> {
  let [next, done, toldMs] = [0, 0, performance.now()]
  let taken = Promise.resolve()
  const work = async (): Promise<void> => {
    await using thread = startThread()
    while (next < seeds.length) {
      signal.throwIfAborted()
      const from = next
      const some = seeds.slice(from, from + perTask)
      next += some.length
      const answer = await thread.sign({ seeds: some, ...(vote === undefined ? {} : { vote }) })
      taken = taken.then(() => onAnswer(answer, from))
      await taken
      done += some.length
      if (performance.now() - toldMs < tellEveryMs) continue
      toldMs = performance.now()
      onProgress(`${vote === undefined ? 'made the keys of' : 'signed'} ${done} of ${seeds.length}`)
    }
  }
  await Promise.all(Array.from({ length: threads }, work))
}

interface SigningThread extends AsyncDisposable {
  sign(task: SigningTask): Promise<SigningAnswer>
}

function startThread(): SigningThread {
  const worker = new Worker(new URL('signing-worker.ts', import.meta.url), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    name: 'x0t-bench-sign',
  })
  return {
    sign: (task) =>
      new Promise((resolve, reject) => {
        const done = (act: () => void): void => {
          for (const name of ['message', 'error', 'exit']) worker.removeAllListeners(name)
          act()
        }
        worker.once('message', (answer: SigningAnswer) => done(() => resolve(answer)))
        worker.once('error', (error) => done(() => reject(error)))
        worker.once('exit', (code) => done(() => reject(new Error(`a signing thread ended with ${code}`))))
        worker.postMessage(task, [])
      }),
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }
}
