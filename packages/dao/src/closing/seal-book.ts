import type { MemberId, RecordId, RecordOf, SealBody, SignedRecord } from '../record.ts'
import { ballotSetRoot, ballotsVouchedFor } from './ballot-set.ts'
import { declarationOf, type Declaration } from './declaration.ts'
import { quorumOf, type Quorum } from './quorum.ts'

export type SignedProposal = SignedRecord & { readonly record: RecordOf<'proposal'> }
export type SignedSeal = SignedRecord & { readonly record: RecordOf<'seal'> }
type Step = Extract<SealBody, { readonly round: number }>

/** What is signed in a step: a set, as root and size in one text, or nothing. */
export type Value = string & { readonly brand: 'Value' }
export const nothing = 'nothing' as Value

/** One proposed set. */
export interface ProposedSet {
  readonly id: RecordId
  readonly author: MemberId
  readonly round: number
  readonly validRound: number | null
  readonly value: Value
  readonly root: Uint8Array
  readonly count: number
  readonly declarations: readonly RecordId[]
}

/** Signatures of one step of one round, by what was signed. */
export type Votes = ReadonlyMap<Value, ReadonlyMap<MemberId, SignedSeal>>
type GrowingVotes = Map<Value, Map<MemberId, SignedSeal>>

/**
 * Messages of the closing of one proposal, in any order, each once or more often. It counts witnesses, not records, and
 * each for everything that it signed: whoever signs two sets of a round counts for both. Signatures are checked before.
 */
export class SealBook {
  readonly quorum: Quorum
  readonly witnesses: ReadonlySet<MemberId>
  /** Whole declarations by the id of their last part. */
  readonly declarations = new Map<RecordId, Declaration>()
  readonly #proposal: RecordId
  readonly #seen = new Set<RecordId>()
  readonly #parts = new Map<RecordId, SignedSeal>()
  /** Last parts of declarations, by the part that is missing. */
  readonly #waiting = new Map<RecordId, SignedSeal[]>()
  readonly #proposed = new Map<number, ProposedSet[]>()
  readonly #proposedAs = new Map<Value, ProposedSet[]>()
  readonly #prepares = new Map<number, GrowingVotes>()
  readonly #commits = new Map<number, GrowingVotes>()
  /** The last round that each witness signed something of. */
  readonly #lastRounds = new Map<MemberId, number>()
  readonly #sets = new Map<RecordId, readonly RecordId[] | null>()

  constructor(proposal: SignedProposal) {
    this.#proposal = proposal.id
    this.witnesses = new Set(proposal.record.body.witnesses)
    this.quorum = quorumOf(this.witnesses.size)
  }

  /** Takes a message; false if it was here, or is none of a witness of this proposal. */
  add(signed: SignedRecord): signed is SignedSeal {
    const { record } = signed
    if (record.kind !== 'seal' || record.body.proposal !== this.#proposal) return false
    if (!this.witnesses.has(record.author) || this.#seen.has(signed.id)) return false
    this.#seen.add(signed.id)
    const seal = signed as SignedSeal
    if (record.body.step === 'declare') this.#addPart(seal)
    else this.#addStep(seal, record.body)
    return true
  }

  /** Witnesses of which a whole declaration is here. */
  declarers(): ReadonlySet<MemberId> {
    return new Set([...this.declarations.values()].map(({ author }) => author))
  }

  proposedIn(round: number): readonly ProposedSet[] {
    return this.#proposed.get(round) ?? []
  }

  /** Every proposal of this value, in any round. */
  proposedAs(value: Value): readonly ProposedSet[] {
    return this.#proposedAs.get(value) ?? []
  }

  votes(step: 'prepare' | 'commit', round: number): Votes {
    return (step === 'prepare' ? this.#prepares : this.#commits).get(round) ?? new Map()
  }

  /** Rounds of which there are votes in a step, ascending. */
  rounds(step: 'prepare' | 'commit'): readonly number[] {
    return [...(step === 'prepare' ? this.#prepares : this.#commits).keys()].toSorted((a, b) => a - b)
  }

  /** What q witnesses signed in a step of a round; more than one only if more than f of them lie. */
  valuesWithQuorum(step: 'prepare' | 'commit', round: number): readonly Value[] {
    const values: Value[] = []
    for (const [value, by] of this.votes(step, round)) if (by.size >= this.quorum.needed) values.push(value)
    return values
  }

  hasQuorum(step: 'prepare' | 'commit', round: number, value: Value): boolean {
    return (this.votes(step, round).get(value)?.size ?? 0) >= this.quorum.needed
  }

  /** Witnesses that signed anything in a step of a round. */
  votersIn(step: 'prepare' | 'commit', round: number): number {
    return new Set([...this.votes(step, round).values()].flatMap((by) => [...by.keys()])).size
  }

  /** The last round that more than f witnesses have reached: one of them at least is honest. */
  roundReachedByOneHonest(): number {
    const rounds = [...this.#lastRounds.values()].toSorted((a, b) => b - a)
    return rounds[this.quorum.faults] ?? 0
  }

  /**
   * The ballots of a proposed set.
   * @returns null if it is not what its declarations give, undefined while one of them is missing
   */
  ballotsOf(proposed: ProposedSet): readonly RecordId[] | null | undefined {
    const known = this.#sets.get(proposed.id)
    if (known !== undefined) return known
    const declarations: Declaration[] = []
    for (const id of proposed.declarations) {
      const declaration = this.declarations.get(id)
      if (declaration === undefined) return undefined
      declarations.push(declaration)
    }
    const authors = new Set(declarations.map(({ author }) => author))
    let ballots: readonly RecordId[] | null = null
    if (authors.size === declarations.length && authors.size >= this.quorum.needed) {
      const vouched = ballotsVouchedFor(
        declarations.map(({ ballots }) => ballots),
        this.quorum.faults + 1,
      )
      if (valueOf(ballotSetRoot(vouched), vouched.length) === proposed.value) ballots = vouched
    }
    this.#sets.set(proposed.id, ballots)
    return ballots
  }

  #addPart(part: SignedSeal): void {
    this.#parts.set(part.id, part)
    const { body } = part.record
    if (body.step === 'declare' && body.part === body.of - 1) this.#resolve(part)
    const waiting = this.#waiting.get(part.id)
    this.#waiting.delete(part.id)
    for (const last of waiting ?? []) this.#resolve(last)
  }

  #resolve(last: SignedSeal): void {
    const found = declarationOf(last, this.#parts)
    if ('missing' in found) {
      push(this.#waiting, found.missing, last)
    } else if (found.declaration !== null) this.declarations.set(last.id, found.declaration)
  }

  #addStep(seal: SignedSeal, body: Step): void {
    const { author } = seal.record
    this.#lastRounds.set(author, Math.max(body.round, this.#lastRounds.get(author) ?? 0))
    const value = body.root === null ? nothing : valueOf(body.root, body.count)
    if (body.step === 'propose') {
      if (body.root === null) return
      const { round, validRound, root, count, declarations } = body
      const proposed = { id: seal.id, author, round, validRound, value, root, count, declarations }
      push(this.#proposed, round, proposed)
      push(this.#proposedAs, value, proposed)
      return
    }
    const rounds = body.step === 'prepare' ? this.#prepares : this.#commits
    let votes = rounds.get(body.round)
    if (votes === undefined) rounds.set(body.round, (votes = new Map()))
    const by = votes.get(value)
    if (by === undefined) votes.set(value, new Map([[author, seal]]))
    // Of two records that say the same, the lower id: every node names the same.
    else if (!by.has(author) || seal.id < by.get(author)!.id) by.set(author, seal)
  }
}

function push<Key, Item>(lists: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}

/** A set as a value: two are the same if root and size are. */
export function valueOf(root: Uint8Array, count: number): Value {
  return `${Buffer.from(root).toString('hex')}:${count}` as Value
}
