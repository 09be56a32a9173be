// The thread of verifier.ts: checks one batch of signatures after the other.
import { parentPort } from 'node:worker_threads'
import { verifyBytes } from './signed-record.ts'
import type { VerifyAnswer, VerifyJob } from './verifier.ts'

parentPort?.on('message', ({ id, tasks }: VerifyJob) => {
  const good = Uint8Array.from(tasks, ({ bytes, context, signature, keys }) =>
    verifyBytes(bytes, context, signature, keys) ? 1 : 0,
  )
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  parentPort?.postMessage({ id, good } satisfies VerifyAnswer)
})
