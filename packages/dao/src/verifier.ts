import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { contextOf } from './lane.ts'
import { verifyBytes } from './signed-record.ts'
import type { MemberKeys, SignedRecord } from './record.ts'

/** One signature to check, and the keys that it should hold under. */
export interface VerifyTask {
  readonly signed: SignedRecord
  readonly keys: MemberKeys
}

/** What a worker thread is asked, and what it answers: one byte a task, 1 for good. */
export interface VerifyJob {
  readonly id: number
  readonly tasks: readonly {
    readonly bytes: Uint8Array
    readonly context: string
    readonly signature: Uint8Array
    readonly keys: MemberKeys
  }[]
}
export interface VerifyAnswer {
  readonly id: number
  readonly good: Uint8Array
}

/** Checks signatures in bulk, on several threads. */
export interface Verifier extends AsyncDisposable {
  /** For each task whether both signatures hold, in the order of the tasks. */
  verify(tasks: readonly VerifyTask[], options?: { readonly signal?: AbortSignal }): Promise<boolean[]>
}

/** Tasks of one message to a worker: enough that the message costs little beside them, few enough to share evenly. */
const chunkTasks = 128
/** Below this the threads are not worth waking: about 20 ms of work. */
const inlineTasks = 64

/**
 * Threads that check signatures; they start with the first large batch and end with the verifier. Without threads, or
 * when one cannot be started or dies, the work is done where it was asked for.
 * @param threads 0 for none; as many as there are processors by default
 */
export function createVerifier({ threads = availableParallelism() }: { threads?: number } = {}): Verifier {
  let pool: Thread[] | null = null
  let isOver = false
  return {
    async verify(tasks, { signal } = {}) {
      if (isOver) throw new TypeError('the verifier was disposed')
      if (threads === 0 || tasks.length < inlineTasks) return verifyHere(tasks, signal)
      pool ??= Array.from({ length: threads }, startThread)
      const chunks = Array.from({ length: Math.ceil(tasks.length / chunkTasks) }, (_, index) =>
        tasks.slice(index * chunkTasks, (index + 1) * chunkTasks),
      )
      const results: boolean[][] = []
      let next = 0
      // Each thread takes the next chunk when it is done with one: none waits for a slow one.
      const serve = async (thread: Thread): Promise<void> => {
        while (next < chunks.length) {
          signal?.throwIfAborted()
          const index = next++
          const chunk = chunks[index]!
          results[index] = (await thread.verify(chunk)) ?? (await verifyHere(chunk, signal))
        }
      }
      await Promise.all(pool.map(serve))
      return results.flat()
    },
    async [Symbol.asyncDispose]() {
      isOver = true
      const threadsToEnd = pool ?? []
      pool = null
      await Promise.all(threadsToEnd.map((thread) => thread.end()))
    },
  }
}

interface Thread {
  /** Null if the thread is gone. */
  verify(tasks: readonly VerifyTask[]): Promise<boolean[] | null>
  end(): Promise<void>
}

function startThread(): Thread {
  const waiting = new Map<number, (answer: boolean[] | null) => void>()
  let worker: Worker | null = new Worker(new URL('./verifier-worker.ts', import.meta.url), {
    // Not the owner's own flags: --input-type or --import are not for this file.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  let lastId = 0
  const giveUp = (): void => {
    worker = null
    for (const resolve of waiting.values()) resolve(null)
    waiting.clear()
  }
  worker.on('message', ({ id, good }: VerifyAnswer) => {
    waiting.get(id)?.(Array.from(good, (byte) => byte === 1))
    waiting.delete(id)
    if (waiting.size === 0) worker?.unref()
  })
  worker.on('error', giveUp)
  worker.on('exit', giveUp)
  // It keeps the process only while somebody waits for it.
  worker.unref()
  return {
    verify(tasks) {
      const target = worker
      if (target === null) return Promise.resolve(null)
      lastId += 1
      const job: VerifyJob = {
        id: lastId,
        tasks: tasks.map(({ signed, keys }) => ({
          bytes: signed.bytes,
          context: contextOf(signed.record.kind),
          signature: signed.signature,
          keys: { ed25519: keys.ed25519, mldsa65: keys.mldsa65 },
        })),
      }
      return new Promise((resolve) => {
        waiting.set(job.id, resolve)
        target.ref()
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
        target.postMessage(job)
      })
    },
    async end() {
      await worker?.terminate()
    },
  }
}

/** In this thread, with a pause for others between chunks. */
async function verifyHere(tasks: readonly VerifyTask[], signal: AbortSignal | undefined): Promise<boolean[]> {
  const results: boolean[] = []
  for (const [index, { signed, keys }] of tasks.entries()) {
    if (index > 0 && index % inlineTasks === 0) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      signal?.throwIfAborted()
    }
    results.push(verifyBytes(signed.bytes, contextOf(signed.record.kind), signed.signature, keys))
  }
  return results
}
