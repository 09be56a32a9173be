// Over 300 lines, and one piece: one short builder for each kind of record.
import { randomBytes } from 'node:crypto'
import { X0tError } from '@x0t/core'
import type { Identity } from '@x0t/keys'
import { checkActions } from './action-check.ts'
import { checkBallot } from './ballot.ts'
import { parseAmount } from './exact/amount.ts'
import { checkGenesisBody } from './genesis.ts'
import { laneOf } from './lane.ts'
import { checkProposal, witnessesOf } from './proposal-check.ts'
import { endOf } from './proposal-end.ts'
import { isOwnId } from './registry.ts'
import { signRotationProof } from './rotation-proof.ts'
import { snapshotRoot } from './snapshot.ts'
import type { DaoState, ProposalView } from './dao-state.ts'
import type {
  Constitution,
  Lane,
  MemberEntry,
  MemberId,
  MemberKeys,
  ProposalBody,
  RecordBodies,
  RecordId,
  RecordKind,
} from './record.ts'
import type { Ballot } from './rules.ts'

// What a member is about to sign, checked as every node will check it: one function for each kind. Signing and keeping
// is for `OwnRecordStore.append`.

/** A record that is not signed yet. */
export interface UnsignedRecord<Kind extends RecordKind = RecordKind> {
  readonly kind: Kind
  readonly lane: Lane
  readonly body: RecordBodies[Kind]
}

function unsigned<Kind extends RecordKind>(kind: Kind, body: RecordBodies[Kind]): UnsignedRecord<Kind> {
  return { kind, lane: laneOf(kind, body), body }
}

/** The public keys of an identity, as a member's entry holds them. */
export function memberKeysOf({ ed25519, mldsa65 }: Pick<Identity, 'ed25519' | 'mldsa65'>): MemberKeys {
  return { ed25519: ed25519.publicRaw, mldsa65: mldsa65.publicRaw }
}

/**
 * The member that signs with these keys now: by its id or, after a rotation, by the keys that it rotated to.
 * @throws X0tError DAO_NOT_A_MEMBER
 */
export function memberWithKeys(state: DaoState, keys: MemberKeys): MemberId {
  for (const member of state.members.values()) {
    const { ed25519, mldsa65 } = member.keys
    if (Buffer.compare(ed25519, keys.ed25519) === 0 && Buffer.compare(mldsa65, keys.mldsa65) === 0)
      return member.id
  }
  throw new X0tError('DAO_NOT_A_MEMBER', `nobody in ${state.constitution.name} signs with these keys`, {
    hint: 'x0t dao member list shows the members; a registrar adds one: x0t dao member add',
  })
}

/**
 * The founding of a DAO; members and lists may come in any order.
 * @throws X0tError DAO_GENESIS_INVALID
 */
export function createGenesis(
  constitution: Constitution,
  members: readonly MemberEntry[],
  { nonce = new Uint8Array(randomBytes(32)) }: { readonly nonce?: Uint8Array } = {},
): UnsignedRecord<'genesis'> {
  const { registrars, witnesses, guardians } = constitution
  const body = {
    constitution: {
      ...constitution,
      registrars: registrars.toSorted(),
      guardians: guardians.toSorted(),
      witnesses: witnesses === 'members' ? witnesses : witnesses.toSorted(),
    },
    members: members.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    nonce,
  }
  checkGenesisBody(body)
  return unsigned('genesis', body)
}

/** @throws X0tError DAO_NOT_A_REGISTRAR, DAO_MEMBER_EXISTS, DAO_KEYS_MISMATCH, DAO_KEY_REUSED, DAO_AMOUNT_INVALID */
export function createMemberAdd(
  state: DaoState,
  author: MemberId,
  member: MemberEntry,
): UnsignedRecord<'member.add'> {
  requireRegistrar(state, author)
  parseAmount(member.balance, 'the balance')
  if (!isOwnId(member)) throw new X0tError('DAO_KEYS_MISMATCH', `${member.id} is not the id of these keys`)
  if (state.members.has(member.id))
    throw new X0tError('DAO_MEMBER_EXISTS', `${member.id} is a member already`, {
      hint: 'x0t dao member list shows the members',
    })
  requireOwnKeys(state, member.keys, member.id)
  return unsigned('member.add', { member, change: nextChange(state, member.id) })
}

/** @throws X0tError DAO_NOT_A_REGISTRAR, DAO_MEMBER_UNKNOWN, DAO_REGISTRAR_FIXED */
export function createMemberRemove(
  state: DaoState,
  author: MemberId,
  { id, reason }: { readonly id: MemberId; readonly reason: string },
): UnsignedRecord<'member.remove'> {
  requireRegistrar(state, author)
  requireMember(state, id)
  if (state.constitution.registrars.includes(id))
    throw new X0tError('DAO_REGISTRAR_FIXED', `${id} is a registrar by the constitution`, {
      hint: 'set its balance to 0 instead: it stays, without weight',
    })
  return unsigned('member.remove', { id, change: nextChange(state, id), reason })
}

/** @throws X0tError DAO_NOT_A_REGISTRAR, DAO_MEMBER_UNKNOWN, DAO_AMOUNT_INVALID */
export function createMemberBalance(
  state: DaoState,
  author: MemberId,
  { id, balance, reason }: { readonly id: MemberId; readonly balance: string; readonly reason: string },
): UnsignedRecord<'member.balance'> {
  requireRegistrar(state, author)
  requireMember(state, id)
  parseAmount(balance, 'the balance')
  return unsigned('member.balance', { id, change: nextChange(state, id), balance, reason })
}

/**
 * The old keys sign the record, the new ones prove here that they are held.
 * @throws X0tError DAO_NOT_A_MEMBER, DAO_KEY_REUSED
 */
export function createMemberRotate(
  state: DaoState,
  author: MemberId,
  next: Pick<Identity, 'ed25519' | 'mldsa65'>,
): UnsignedRecord<'member.rotate'> {
  requireSelf(state, author)
  const keys = memberKeysOf(next)
  requireOwnKeys(state, keys, null)
  return unsigned('member.rotate', {
    keys,
    proof: signRotationProof(next, { dao: state.dao, member: author }),
  })
}

/** @throws X0tError DAO_NOT_A_MEMBER, DAO_MEMBER_UNKNOWN, DAO_DELEGATE_SELF, DAO_DELEGATION_CYCLE */
export function createDelegate(
  state: DaoState,
  author: MemberId,
  to: MemberId | null,
): UnsignedRecord<'delegate'> {
  requireSelf(state, author)
  if (to === null) return unsigned('delegate', { to })
  requireMember(state, to)
  if (to === author)
    throw new X0tError('DAO_DELEGATE_SELF', 'a delegation to oneself is none', { exitCode: 2 })
  const way: MemberId[] = [author]
  for (let at: MemberId | null = to; at !== null; at = state.members.get(at)?.delegate ?? null) {
    way.push(at)
    if (at === author)
      throw new X0tError('DAO_DELEGATION_CYCLE', `delegations would run in a circle: ${way.join(' → ')}`, {
        hint: 'delegations in a circle are void for all in it',
      })
  }
  return unsigned('delegate', { to })
}

/** What a proposer chooses; the rest comes from the state. */
export type ProposalDraft = Pick<ProposalBody, 'title' | 'text' | 'choices' | 'opensMs'> &
  Partial<Pick<ProposalBody, 'rules' | 'actions' | 'closesMs' | 'graceMs' | 'timelockMs' | 'expiresMs'>> & {
    readonly author: MemberId
  }

/**
 * The whole proposal: rules and times of the constitution where the draft says none, the electorate as it is now, its
 * witnesses.
 * @throws X0tError DAO_NOT_A_MEMBER, DAO_TIMES_INVALID, DAO_RULES_INVALID, DAO_CHOICES_INVALID, DAO_TOO_MANY_PROPOSALS;
 * what `checkActions` throws
 */
export function proposalBody(state: DaoState, draft: ProposalDraft): ProposalBody {
  const { constitution, members } = state
  const { author, title, text, choices, opensMs } = draft
  requireSelf(state, author)
  const body: ProposalBody = {
    title,
    text,
    choices,
    rules: draft.rules ?? constitution.rules,
    actions: draft.actions ?? [],
    asOf: state.asOf.filter(([member]) => member !== author),
    snapshotRoot: snapshotRoot(members.values()),
    witnesses: witnessesOf(constitution, members),
    opensMs,
    closesMs: draft.closesMs ?? opensMs + constitution.votingMs,
    graceMs: draft.graceMs ?? constitution.graceMs,
    timelockMs: draft.timelockMs ?? constitution.timelockMs,
    expiresMs: draft.expiresMs ?? constitution.expiresMs,
  }
  checkProposal(body, { author, constitution, members })
  checkActions(body.actions, body.rules)
  const beside = [...state.proposals.values()].filter(
    ({ record, isCanceled }) =>
      record.author === author &&
      !isCanceled &&
      record.body.opensMs < body.closesMs &&
      record.body.closesMs > body.opensMs,
  ).length
  if (beside >= constitution.maxOpenProposals)
    throw new X0tError('DAO_TOO_MANY_PROPOSALS', `${beside} proposals of yours are open at that time`, {
      hint: 'wait until one has closed, or take one back: x0t dao cancel ID',
    })
  return body
}

/** {@link proposalBody} as a record. */
export function createProposal(state: DaoState, draft: ProposalDraft): UnsignedRecord<'proposal'> {
  return unsigned('proposal', proposalBody(state, draft))
}

/**
 * @throws X0tError DAO_PROPOSAL_UNKNOWN, DAO_NOT_IN_SNAPSHOT, DAO_NOT_OPEN, DAO_CLOSED; what `checkBallot` throws
 */
export function createVote(
  state: DaoState,
  author: MemberId,
  {
    proposal,
    ballot,
    nowMs,
  }: { readonly proposal: RecordId; readonly ballot: Ballot; readonly nowMs: number },
): UnsignedRecord<'vote'> {
  const view = requireProposal(state, proposal)
  const elector = view.electorate.find(({ id }) => id === author)
  if (elector === undefined)
    throw new X0tError('DAO_NOT_IN_SNAPSHOT', `${author} is not in the electorate of this proposal`, {
      hint: 'who became a member after a proposal was made votes on the next one',
    })
  const { opensMs, choices, rules } = view.record.body
  const endMs = endOf(view)
  if (view.certificate !== null)
    throw new X0tError('DAO_CLOSED', 'the ballots of this proposal are final: it has its certificate')
  if (view.isCanceled) throw new X0tError('DAO_CLOSED', 'its author has taken this proposal back')
  if (nowMs < opensMs)
    throw new X0tError('DAO_NOT_OPEN', `voting opens at ${new Date(opensMs).toISOString()}`)
  if (nowMs >= endMs)
    throw new X0tError('DAO_CLOSED', `voting closed at ${new Date(endMs).toISOString()}`, {
      hint: 'this is what the clock of this machine says: date',
    })
  const sorted = inOrder(ballot)
  checkBallot(sorted, choices, rules, BigInt(elector.balance))
  return unsigned('vote', { proposal, ballot: sorted })
}

/** @throws X0tError DAO_PROPOSAL_UNKNOWN, DAO_NOT_A_GUARDIAN */
export function createVeto(
  state: DaoState,
  author: MemberId,
  { proposal, reason }: { readonly proposal: RecordId; readonly reason: string },
): UnsignedRecord<'veto'> {
  requireProposal(state, proposal)
  if (!state.constitution.guardians.includes(author))
    throw new X0tError('DAO_NOT_A_GUARDIAN', `${author} is no guardian of ${state.constitution.name}`)
  return unsigned('veto', { proposal, reason })
}

/** @throws X0tError DAO_PROPOSAL_UNKNOWN, DAO_NOT_THE_AUTHOR, DAO_CLOSED */
export function createCancel(
  state: DaoState,
  author: MemberId,
  { proposal, reason }: { readonly proposal: RecordId; readonly reason: string },
): UnsignedRecord<'cancel'> {
  const view = requireProposal(state, proposal)
  if (view.record.author !== author)
    throw new X0tError('DAO_NOT_THE_AUTHOR', `only ${view.record.author} can take this proposal back`)
  return unsigned('cancel', { proposal, reason })
}

/** Choices of a ballot in the one order that a record has; a ranking keeps its own. */
function inOrder(ballot: Ballot): Ballot {
  const byChoice = ([a]: readonly [number, string], [b]: readonly [number, string]): number => a - b
  if (ballot.kind === 'shares') return { ...ballot, shares: ballot.shares.toSorted(byChoice) }
  if (ballot.kind === 'credits') return { ...ballot, votes: ballot.votes.toSorted(byChoice) }
  if (ballot.kind === 'approval') return { ...ballot, choices: ballot.choices.toSorted((a, b) => a - b) }
  return ballot
}

function nextChange(state: DaoState, id: MemberId): number {
  return (state.registry.changes.get(id) ?? 0) + 1
}

function requireProposal(state: DaoState, id: RecordId): ProposalView {
  const view = state.proposals.get(id)
  if (view !== undefined) return view
  throw new X0tError('DAO_PROPOSAL_UNKNOWN', `no proposal ${id} is here`, {
    hint: 'x0t dao list shows the proposals',
  })
}

function requireSelf(state: DaoState, author: MemberId): void {
  if (!state.members.has(author))
    throw new X0tError('DAO_NOT_A_MEMBER', `${author} is no member of ${state.constitution.name}`, {
      hint: 'a registrar adds members: x0t dao member add',
    })
}

function requireMember(state: DaoState, id: MemberId): void {
  if (!state.members.has(id))
    throw new X0tError('DAO_MEMBER_UNKNOWN', `${id} is no member of ${state.constitution.name}`, {
      hint: 'x0t dao member list shows the members',
    })
}

function requireRegistrar(state: DaoState, author: MemberId): void {
  const { registrars, name } = state.constitution
  if (!registrars.includes(author))
    throw new X0tError('DAO_NOT_A_REGISTRAR', `${author} is no registrar of ${name}`, {
      hint: `the registrars are ${registrars.join(', ')}`,
    })
}

/** @throws X0tError DAO_KEY_REUSED if a member other than `except` holds one of the two keys */
function requireOwnKeys(state: DaoState, keys: MemberKeys, except: MemberId | null): void {
  for (const { id, keys: theirs } of state.members.values()) {
    if (id === except) continue
    if (
      Buffer.compare(theirs.ed25519, keys.ed25519) === 0 ||
      Buffer.compare(theirs.mldsa65, keys.mldsa65) === 0
    )
      throw new X0tError('DAO_KEY_REUSED', `a key of these is a key of member ${id}`, {
        hint: 'each member has keys of its own: x0t keygen',
      })
  }
}
