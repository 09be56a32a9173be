import type { MemberId } from './record.ts'
import type { Ballot, Choice, Method, QuorumUnit, Rules } from './rules.ts'

/** One member's say in a count: its balance, the ballot that counts for it, and whose that is. */
export interface Voice {
  readonly member: MemberId
  readonly balance: bigint
  readonly ballot: Ballot
  /** The member itself, or its delegate. */
  readonly by: MemberId
}

/** What a count takes: all of it, nothing from a clock, a file or a network. */
export interface TallyInput {
  readonly choices: readonly Choice[]
  readonly rules: Rules
  /** Balances of the whole electorate, for quorum and turnout. */
  readonly electorate: readonly { readonly member: MemberId; readonly balance: bigint }[]
  readonly voices: readonly Voice[]
  /** For `tiebreak: certificate-hash`: the root that the certificate is over; absent before it. */
  readonly certificateRoot?: Uint8Array
}

/** `tied` where no tiebreak was declared; `no-quorum` before all else. */
export const tallyOutcomes = ['passed', 'defeated', 'tied', 'no-quorum'] as const
export type TallyOutcome = (typeof tallyOutcomes)[number]

/** The result of a count. Numbers are decimal text; the same bytes for the same ballots in any order. */
export interface Tally {
  readonly v: 1
  readonly method: Method
  readonly decimals: number
  readonly scores: readonly {
    readonly choice: number
    /** Published score: scaled roots summed, as a decimal with `decimals` places. Nothing is decided on it. */
    readonly score: string
    /** Share of all scores, percent with two places, rounded down; null where that means nothing. */
    readonly percent: string | null
    readonly ballots: number
  }[]
  readonly outcome: TallyOutcome
  /** Index of the choice that was chosen (`plurality`), or of `for` where passed; null where none was. */
  readonly winner: number | null
  /** Choices that share the first place where it is a tie. */
  readonly leaders: readonly number[]
  /** Each rule with what it asked and what was found, for people and for checks. */
  readonly checks: readonly {
    readonly rule: 'quorum' | 'support' | 'plurality' | 'tiebreak'
    readonly holds: boolean
    readonly found: string
    readonly needed: string
    readonly unit: QuorumUnit | 'score' | null
  }[]
  readonly turnout: { readonly members: number; readonly tokens: string; readonly weight: string }
  readonly electorate: { readonly members: number; readonly tokens: string; readonly weight: string }
  /** Ballots that count for nothing, and why (an error code). */
  readonly voided: readonly { readonly member: MemberId; readonly code: string }[]
  /** `ranked-choice`: first to last round with each choice's score; else empty. */
  readonly rounds: readonly (readonly string[])[]
}
