import { mayHold, type KeyStep, type LaneNode } from './member-lane.ts'
import type { Equivocation } from './dao-state.ts'
import type { Elector, MemberId, RecordId, RecordOf, SignedRecord } from './record.ts'
import type { Voice } from './tally.ts'

/** A ballot that its author signed with keys that may sign for it. */
export interface BoxedBallot {
  readonly signed: SignedRecord & { readonly record: RecordOf<'vote'> }
  /** Id of the keys. */
  readonly key: string
  /** It fits the choices, the method and the budget. An unfit one counts for nothing, but proves an equivocation. */
  readonly fits: boolean
}

/** Who may vote, and with which keys. */
export interface Electorate {
  readonly electors: ReadonlyMap<MemberId, Elector>
  /** The last record of each member's lane that the snapshot takes in. */
  readonly cited: ReadonlyMap<MemberId, LaneNode>
  /** Keys of members that have rotated theirs, at any time and on any branch. */
  readonly rotated: ReadonlyMap<MemberId, readonly KeyStep[]>
}

/** What a set of ballots comes to. */
export interface BallotCount {
  readonly voices: readonly Voice[]
  /**
   * Records that may settle it, sorted by id: each voter's ballots that fit, and the pair that proves an equivocation.
   * Not only the last of a voter: a witness declares these, and one that was cast while the vote ended may be with too
   * few of them to count, when the one before it is with all.
   */
  readonly box: readonly SignedRecord[]
  readonly equivocations: readonly Equivocation[]
}

/**
 * What a set of ballots says: a function of the set, be it all that are known or the ones that a certificate names.
 *
 * Of one voter the ballots under its newest keys count: a rotation takes a stolen key's ballots out. Among them the first
 * number that was given to two different records voids itself and all above it; of the rest the last one that fits
 * counts. Numbers may be missing: a voter's last ballot is enough.
 *
 * A member without a ballot that counts is heard through its delegate's own ballot, one step and no further.
 */
export function countBallots(ballots: readonly BoxedBallot[], electorate: Electorate): BallotCount {
  const byAuthor = new Map<MemberId, BoxedBallot[]>()
  for (const ballot of ballots) {
    const { author } = ballot.signed.record
    const own = byAuthor.get(author)
    if (own === undefined) byAuthor.set(author, [ballot])
    else own.push(ballot)
  }
  const chosen = new Map<MemberId, BoxedBallot>()
  const box: SignedRecord[] = []
  const equivocations: Equivocation[] = []
  for (const [author, own] of byAuthor) {
    const newest = own.length === 1 ? own : underNewestKeys(author, own, electorate)
    const twins = firstTwins(newest)
    if (twins !== null) {
      const [{ signed: a }, { signed: b }] = twins
      box.push(a, b)
      const { lane, seq } = a.record
      equivocations.push({ author, lane, seq, records: [a.id, b.id] })
    }
    const limit = twins === null ? Infinity : twins[0].signed.record.seq
    let last: BoxedBallot | null = null
    for (const ballot of newest) {
      const { seq } = ballot.signed.record
      if (!ballot.fits || seq >= limit) continue
      box.push(ballot.signed)
      if (last === null || seq > last.signed.record.seq) last = ballot
    }
    if (last !== null) chosen.set(author, last)
  }
  const voices: Voice[] = []
  for (const { id, balance, delegate } of electorate.electors.values()) {
    const own = chosen.get(id)
    const ballot = own ?? (delegate === null ? undefined : chosen.get(delegate))
    if (ballot === undefined) continue
    const { author, body } = ballot.signed.record
    voices.push({ member: id, balance: BigInt(balance), ballot: body.ballot, by: author })
  }
  return { voices, box: box.toSorted(byId), equivocations }
}

function underNewestKeys(
  author: MemberId,
  own: readonly BoxedBallot[],
  { cited, rotated }: Electorate,
): readonly BoxedBallot[] {
  const steps = rotated.get(author)
  if (steps === undefined) return own
  const place = cited.get(author) ?? null
  const ranks = new Map<string, number>()
  for (const step of steps)
    if (mayHold(step, place)) ranks.set(step.id, Math.max(step.rank, ranks.get(step.id) ?? 0))
  const newest = Math.max(...own.map(({ key }) => ranks.get(key) ?? 0))
  return own.filter(({ key }) => (ranks.get(key) ?? 0) === newest)
}

/** Of the lowest number that two different records have, the two with the lowest ids. */
function firstTwins(ballots: readonly BoxedBallot[]): readonly [BoxedBallot, BoxedBallot] | null {
  if (ballots.length < 2) return null
  const sorted = ballots.toSorted(
    (a, b) => a.signed.record.seq - b.signed.record.seq || byId(a.signed, b.signed),
  )
  for (const [index, ballot] of sorted.entries()) {
    const next = sorted[index + 1]
    if (next !== undefined && next.signed.record.seq === ballot.signed.record.seq) return [ballot, next]
  }
  return null
}

function byId(a: { readonly id: RecordId }, b: { readonly id: RecordId }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
