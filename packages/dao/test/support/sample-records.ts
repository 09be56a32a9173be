import { createHash } from 'node:crypto'
import { createIdentity, type Identity } from '@x0t/keys'
import { recordIdOf, signRecord, type Lane, type RecordId, type SignedRecord } from '@x0t/dao'

/** An identity that is the same for the same name. */
export function identityNamed(name: string): Identity {
  return createIdentity(createHash('sha256').update(`dao test ${name}`).digest())
}

/** Ids of records that no test needs to see. */
export const sampleDao = recordIdOf(Buffer.from('a genesis'))
export const sampleProposal = recordIdOf(Buffer.from('a proposal'))
const atMs = 1_800_000_000_000

/** A ballot for the sample proposal, at a place in its lane. */
export function ballotRecord(
  identity: Identity,
  { seq, prev, choice }: { seq: number; prev: RecordId | null; choice: number },
): SignedRecord {
  return signRecord(
    identity,
    { dao: sampleDao, author: identity.nodeId, lane: `vote:${sampleProposal}`, seq, prev, atMs },
    'vote',
    { proposal: sampleProposal, ballot: { kind: 'single', choice } },
  )
}

/** `count` ballots of one author, one after the other, for choices 0, 1, 0, … */
export function chainOf(identity: Identity, count: number): SignedRecord[] {
  const chain: SignedRecord[] = []
  for (let seq = 0; seq < count; seq++)
    chain.push(ballotRecord(identity, { seq, prev: chain.at(-1)?.id ?? null, choice: seq % 2 }))
  return chain
}

/** Signs the next record of lane `member` or `node:…` as `append` asks. */
export function signNext(identity: Identity, lane: Lane) {
  return (seq: number, prev: RecordId | null): SignedRecord => {
    const head = { dao: sampleDao, author: identity.nodeId, lane, seq, prev, atMs }
    return lane === 'member'
      ? signRecord(identity, head, 'delegate', { to: null })
      : signRecord(identity, head, 'execution', {
          proposal: lane.slice('node:'.length) as RecordId,
          action: 0,
          outcome: 'executed',
          detail: 'done',
        })
  }
}
