import { countBallots, type BallotCount, type BoxedBallot, type Electorate } from './ballot-box.ts'
import { certificatesOf } from './closing/certificates.ts'
import type { Registry } from './registry.ts'
import type { Certificate, Equivocation, ProposalView } from './dao-state.ts'
import type { MemberId, RecordId, RecordOf, SignedRecord } from './record.ts'

type Signed<Kind extends 'proposal' | 'seal' | 'execution'> = SignedRecord & {
  readonly record: RecordOf<Kind>
}

/** A proposal that holds, and what came for it. The lists only grow: a view takes what they held when it was made. */
export interface OpenProposal extends Omit<Electorate, 'rotated'> {
  readonly signed: Signed<'proposal'>
  readonly witnesses: ReadonlySet<MemberId>
  /** The registry that its electorate comes from. */
  readonly registry: Registry
  readonly ballots: BoxedBallot[]
  readonly seals: Signed<'seal'>[]
  readonly executions: Signed<'execution'>[]
}

export function openProposal(
  signed: Signed<'proposal'>,
  registry: Registry,
  cited: Electorate['cited'],
): OpenProposal {
  return {
    signed,
    registry,
    cited,
    electors: registry.members,
    witnesses: new Set(signed.record.body.witnesses),
    ballots: [],
    seals: [],
    executions: [],
  }
}

/** What else a view depends on. */
export interface ViewContext extends Pick<Electorate, 'rotated'> {
  /** The registry as it is now. */
  readonly registry: Registry
  readonly vetoes: readonly RecordOf<'veto'>[]
  readonly isCanceled: boolean
}

/** A view, with what only the whole state shows. */
export interface FullView extends ProposalView {
  readonly equivocations: readonly Equivocation[]
}

/** The proposal as its records tell it now. What takes long is made when it is asked for, once, of the same records. */
export function viewOf(
  proposal: OpenProposal,
  { registry, rotated, vetoes, isCanceled }: ViewContext,
): FullView {
  const { signed, electors } = proposal
  const whoVotes: Electorate = { electors, cited: proposal.cited, rotated }
  const electorate = once(() => [...electors.values()])
  const [ballots, seals, executions] = [
    upToNow(proposal.ballots),
    upToNow(proposal.seals),
    upToNow(proposal.executions),
  ]
  const known = once(() => countBallots(ballots(), whoVotes))
  const sortedSeals = once(() => seals().toSorted((a, b) => (a.id < b.id ? -1 : 1)))
  const closing = once(() => certificatesOf(signed, seals()))
  const certified = once((): BallotCount | null => {
    const { certificate, rivals } = closing()
    const ids = certificate?.ballots ?? null
    if (ids === null || rivals.length > 0) return null
    const named = new Set<RecordId>(ids)
    const set = ballots().filter((ballot) => named.has(ballot.signed.id))
    return set.length === named.size ? countBallots(set, whoVotes) : null
  })
  const reports = once(() => honestReports(executions()))
  return {
    id: signed.id,
    record: signed.record,
    get electorate() {
      return electorate()
    },
    get leftOut() {
      const { changes } = proposal.registry
      return registry.applied.filter(
        ({ member, change, atMs }) => atMs < signed.record.atMs && change > (changes.get(member) ?? 0),
      )
    },
    get voices() {
      return (certified() ?? known()).voices
    },
    get isFinal() {
      return certified() !== null
    },
    get box() {
      return known().box
    },
    get seals() {
      return sortedSeals()
    },
    get certificate(): Certificate | null {
      return closing().certificate
    },
    get rivals() {
      return closing().rivals
    },
    get culprits() {
      return closing().culprits
    },
    vetoes,
    isCanceled,
    get executions() {
      return reports().good
    },
    get equivocations() {
      return [...known().equivocations, ...twinsIn(seals()), ...reports().twins]
    },
  }
}

/** The records of chains, without those from a number on that was given twice. */
function honestReports(executions: readonly Signed<'execution'>[]): {
  readonly good: readonly RecordOf<'execution'>[]
  readonly twins: readonly Equivocation[]
} {
  const twins = twinsIn(executions)
  const limits = new Map(twins.map(({ author, seq }) => [author, seq]))
  return {
    good: executions
      .filter(({ record }) => record.seq < (limits.get(record.author) ?? Infinity))
      .toSorted(byAuthorAndSeq)
      .map(({ record }) => record),
    twins,
  }
}

/** Of each author the first number that two records have, with the two lowest ids. */
export function twinsIn(records: readonly SignedRecord[]): Equivocation[] {
  const twins = new Map<string, Equivocation>()
  const sorted = records.toSorted(byAuthorAndSeq)
  for (const [index, a] of sorted.entries()) {
    const b = sorted[index + 1]
    const { author, lane, seq } = a.record
    if (b === undefined || b.record.author !== author || b.record.lane !== lane || b.record.seq !== seq)
      continue
    const key = `${author} ${lane}`
    if (!twins.has(key)) twins.set(key, { author, lane, seq, records: [a.id, b.id] })
  }
  return [...twins.values()]
}

function byAuthorAndSeq(a: SignedRecord, b: SignedRecord): number {
  if (a.record.author !== b.record.author) return a.record.author < b.record.author ? -1 : 1
  if (a.record.lane !== b.record.lane) return a.record.lane < b.record.lane ? -1 : 1
  return a.record.seq - b.record.seq || (a.id < b.id ? -1 : 1)
}

/** A list that only grows, as it is now. */
function upToNow<Item>(list: readonly Item[]): () => readonly Item[] {
  const { length } = list
  return once(() => (list.length === length ? [...list] : list.slice(0, length)))
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | null = null
  return () => (made ??= { value: make() }).value
}
