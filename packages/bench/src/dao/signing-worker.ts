// Thread of signing-pool.ts: keys, and a signed ballot where one is wanted, of each member of a task.
import { parentPort } from 'node:worker_threads'
import { encodeSigned, signRecord } from '@x0t/dao'
import { createIdentity } from '@x0t/keys'
import { encodeBallots, type StoredBallot } from './ballot-file.ts'
import type { SigningAnswer, SigningTask } from './signing-pool.ts'

const port = parentPort!

port.on('message', ({ seeds, vote }: SigningTask) => {
  const answer: SigningAnswer = encodeBallots(seeds.map((seed, at) => storedBallot(seed, at, vote)))
  port.postMessage(answer, [answer.buffer])
})

function storedBallot(seed: Uint8Array, at: number, vote: SigningTask['vote']): StoredBallot {
  const identity = createIdentity(seed)
  const keys = { ed25519: identity.ed25519.publicRaw, mldsa65: identity.mldsa65.publicRaw }
  if (vote === undefined) return { keys, envelope: new Uint8Array() }
  const { dao, proposal } = vote
  const head = {
    dao,
    author: identity.nodeId,
    lane: `vote:${proposal}` as const,
    seq: 0,
    prev: null,
    atMs: Date.now(),
  }
  const ballot = { kind: 'single', choice: at % 3 } as const
  return { keys, envelope: encodeSigned(signRecord(identity, head, 'vote', { proposal, ballot })) }
}
