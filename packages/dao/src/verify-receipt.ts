import { X0tError } from '@x0t/core'
import { ballotLeaf } from './closing/ballot-set.ts'
import { quorumOf } from './closing/quorum.ts'
import { verifyInclusion } from './merkle-tree.ts'
import { decodeReceiptExtra, witnessKeyId } from './receipt.ts'
import { parseReceipt } from './receipt-text.ts'
import { decodeSigned, verifyRecord } from './signed-record.ts'
import type { DaoState } from './dao-state.ts'
import type { MemberId, MemberKeys, RecordId, SignedRecord } from './record.ts'

/** One thing that was checked, with what was found. */
export interface ReceiptCheck {
  readonly check: 'proposal' | 'ballot' | 'inclusion' | 'commits' | 'state'
  readonly holds: boolean
  readonly found: string
}

export interface ReceiptVerification {
  readonly ok: boolean
  readonly checks: readonly ReceiptCheck[]
  readonly dao: RecordId
  readonly proposal: RecordId
  readonly ballot: SignedRecord
  /** Whose commits hold, by id. */
  readonly witnesses: readonly MemberId[]
}

/** Keys of a member; of one that has rotated its keys, an entry for each. */
export interface KnownKeys {
  readonly id: MemberId
  readonly keys: MemberKeys
}

/**
 * Checks a receipt with the members' keys and nothing else. It shows that as many witnesses as make a certificate
 * committed to a set with this ballot. That they are the right witnesses rests on the proposal, which a member signed;
 * whoever has the records of the DAO gives its state, and that is compared too.
 * @throws X0tError DAO_RECEIPT_INVALID if it is none
 */
export function verifyReceipt(
  bytes: Uint8Array,
  against: { readonly members: Iterable<KnownKeys> } | { readonly state: DaoState },
): ReceiptVerification {
  const receipt = parseReceipt(bytes)
  const { ballot, proposal } = decodeReceiptExtra(receipt.extra)
  const state = 'state' in against ? against.state : null
  const keys = keysById('state' in against ? membersOf(against.state, proposal.id) : against.members)
  const isSigned = (signed: SignedRecord): boolean =>
    (keys.get(signed.record.author) ?? []).some((known) => verifyRecord(signed, known))
  const checks: ReceiptCheck[] = []
  const check = (name: ReceiptCheck['check'], problem: string | null, good: string): void =>
    void checks.push({ check: name, holds: problem === null, found: problem ?? good })

  check('proposal', proposalProblem(), `proposal ${receipt.proposal} is signed by its author`)
  check('ballot', ballotProblem(), `ballot ${ballot.id} is signed by ${ballot.record.author}`)
  const { index, size, hashes, root } = receipt
  check(
    'inclusion',
    verifyInclusion(ballotLeaf(ballot.id), { index, size }, hashes, root)
      ? null
      : 'the proof does not lead from the ballot to the root',
    `it is number ${index} of ${size} ballots`,
  )
  const { witnesses, problem, needed } = commits()
  check('commits', problem, `${witnesses.length} witnesses committed to that root; ${needed} are needed`)
  if (state !== null) check('state', stateProblem(state), 'the records of the DAO name the same root')
  return {
    ok: checks.every(({ holds }) => holds),
    checks,
    dao: receipt.dao,
    proposal: receipt.proposal,
    ballot,
    witnesses,
  }

  function proposalProblem(): string | null {
    if (proposal.record.kind !== 'proposal' || proposal.id !== receipt.proposal)
      return 'the record beside the ballot is not the proposal of the origin'
    if (proposal.record.dao !== receipt.dao) return 'the proposal is of another DAO than the origin'
    return isSigned(proposal) ? null : `the proposal's signature is not of ${proposal.record.author}`
  }

  function ballotProblem(): string | null {
    const { kind, body, dao, author } = ballot.record
    if (kind !== 'vote' || body.proposal !== receipt.proposal || dao !== receipt.dao)
      return 'the record is no ballot for this proposal'
    return isSigned(ballot) ? null : `the ballot's signature is not of ${author}`
  }

  function commits(): { witnesses: MemberId[]; problem: string | null; needed: number } {
    const named = new Set(proposal.record.kind === 'proposal' ? proposal.record.body.witnesses : [])
    const needed = named.size === 0 ? Infinity : quorumOf(named.size).needed
    const good = new Map<number, Set<MemberId>>()
    const bad: string[] = []
    for (const { name, bytes: value } of receipt.signatures) {
      const commit = commitOf(name, value)
      if (commit === null || !named.has(commit.author)) bad.push(name.slice(0, 60))
      else good.set(commit.round, (good.get(commit.round) ?? new Set()).add(commit.author))
    }
    const [most = new Set<MemberId>()] = [...good.values()].toSorted((a, b) => b.size - a.size)
    const problem =
      bad.length > 0
        ? `commits that do not hold: ${bad.join(', ')}`
        : most.size < needed
          ? `${most.size} commits of one round; ${needed} are needed`
          : null
    return { witnesses: [...most].toSorted(), problem, needed }
  }

  function commitOf(name: string, value: Uint8Array): { author: MemberId; round: number } | null {
    let commit: SignedRecord
    try {
      commit = decodeSigned(value.subarray(4))
    } catch (error) {
      if (error instanceof X0tError) return null
      throw error
    }
    const { kind, author, body, dao } = commit.record
    if (author !== name || Buffer.compare(value.subarray(0, 4), witnessKeyId(author)) !== 0) return null
    if (kind !== 'seal' || dao !== receipt.dao || body.proposal !== receipt.proposal) return null
    if (body.step !== 'commit' || body.root === null || body.count !== receipt.size) return null
    if (Buffer.compare(body.root, receipt.root) !== 0 || !isSigned(commit)) return null
    return { author, round: body.round }
  }

  function stateProblem({ dao, proposals }: DaoState): string | null {
    if (dao !== receipt.dao) return `the records are of DAO ${dao}`
    const view = proposals.get(receipt.proposal)
    if (view === undefined) return 'the records do not hold this proposal'
    if (view.rivals.length > 0) return `there are two certificates; culprits: ${view.culprits.join(', ')}`
    if (view.certificate === null) return 'the records hold no certificate of this proposal'
    return Buffer.compare(view.certificate.root, receipt.root) === 0
      ? null
      : 'the certificate of the records is over another set'
  }
}

function membersOf(state: DaoState, proposal: RecordId): readonly KnownKeys[] {
  return [...state.members.values(), ...(state.proposals.get(proposal)?.electorate ?? [])]
}

function keysById(members: Iterable<KnownKeys>): ReadonlyMap<MemberId, readonly MemberKeys[]> {
  const byId = new Map<MemberId, MemberKeys[]>()
  for (const { id, keys } of members) {
    const known = byId.get(id)
    if (known === undefined) byId.set(id, [keys])
    else known.push(keys)
  }
  return byId
}
