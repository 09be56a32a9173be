import type {
  Constitution,
  Elector,
  MemberId,
  ProposalBody,
  RecordId,
  RecordOf,
  SignedRecord,
} from './record.ts'
import type { Registry, RegistryChange } from './registry.ts'
import type { Tally, Voice } from './tally.ts'

/** draft → open → closing → unsealed | passed | defeated | tied | no-quorum → queued → executed | failed | … */
export const proposalStates = [
  'pending',
  'open',
  'closing',
  'unsealed',
  'passed',
  'defeated',
  'tied',
  'no-quorum',
  'queued',
  'executed',
  'failed',
  'vetoed',
  'expired',
  'canceled',
  'halted',
] as const
export type ProposalState = (typeof proposalStates)[number]

/** Two records of one author with the same lane and number: a proof by itself. */
export interface Equivocation {
  readonly author: MemberId
  readonly lane: string
  readonly seq: number
  readonly records: readonly [RecordId, RecordId]
}

/** A record that counts for nothing, and why (an error code). `waiting`: what it builds on is not here yet. */
export interface RejectedRecord {
  readonly id: RecordId
  readonly code: string
  readonly isWaiting: boolean
}

/** q commits over one set: it makes the set of ballots final. */
export interface Certificate {
  readonly proposal: RecordId
  readonly round: number
  readonly root: Uint8Array
  readonly count: number
  /** Ids of the set's records, ascending; null while a declaration that it is made of is not here yet. */
  readonly ballots: readonly RecordId[] | null
  /** The commit records, by witness. */
  readonly commits: readonly SignedRecord[]
}

/** One proposal as the records tell it. */
export interface ProposalView {
  readonly id: RecordId
  readonly record: RecordOf<'proposal'>
  readonly electorate: readonly Elector[]
  /**
   * Changes of the registry that its electorate lacks, though by the clocks of those who signed they are older than the
   * proposal: its author did not have them, or did not want them. A witness that knows better does not close it.
   */
  readonly leftOut: readonly RegistryChange[]
  /** Ballots that count, own and delegated: of the certified set if `isFinal`, else of all that are known. */
  readonly voices: readonly Voice[]
  /** There is one certificate, and every ballot that it is over is here: no record changes the voices any more. */
  readonly isFinal: boolean
  /** All known ballots that may settle the count (the ballot box), and what proves an equivocation; sorted by id. */
  readonly box: readonly SignedRecord[]
  readonly seals: readonly SignedRecord[]
  readonly certificate: Certificate | null
  /** Two certificates over different sets: the proposal halts, and who signed both is named. */
  readonly rivals: readonly Certificate[]
  readonly culprits: readonly MemberId[]
  readonly vetoes: readonly RecordOf<'veto'>[]
  readonly isCanceled: boolean
  readonly executions: readonly RecordOf<'execution'>[]
}

/** All that a set of records says: a pure function of the set, whatever the order in which they came. */
export interface DaoState {
  readonly dao: RecordId
  readonly constitution: Constitution
  readonly members: ReadonlyMap<MemberId, Elector>
  readonly proposals: ReadonlyMap<RecordId, ProposalView>
  readonly equivocations: readonly Equivocation[]
  readonly rejected: readonly RejectedRecord[]
  /** Records that hold, whether or not they count for something. */
  readonly recordCount: number
  /** What a proposal names as its electorate if it is made now. */
  readonly asOf: ProposalBody['asOf']
  /** Changes of the registry, and what is wrong in it. */
  readonly registry: Pick<
    Registry,
    'changes' | 'applied' | 'pending' | 'conflicts' | 'sharingKeys' | 'delegationCycles'
  >
}

/** Where a proposal stands at a moment, with its count. */
export interface ProposalResult {
  readonly state: ProposalState
  /** Over the certified set, or over what is known so far (`isFinal` false). */
  readonly tally: Tally
  readonly isFinal: boolean
  readonly missingWitnesses: readonly MemberId[]
  /** When the timelock ends, ms since 1970; null before a certificate. */
  readonly executableAtMs: number | null
}
