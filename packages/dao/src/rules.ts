/** A fraction of whole numbers in lowest or any terms, as `1/2`; never a float. */
export type Fraction = string

/** An amount of base units: decimal digits without sign or leading zero, below 2^256. */
export type Amount = string

/** How ballots become scores. Four different things are called quadratic; the word alone is never used. */
export const methods = [
  'quadratic-weight',
  'quadratic-credits',
  'quadratic-funding',
  'linear',
  'approval',
  'ranked-choice',
  'weighted',
] as const
export type Method = (typeof methods)[number]

/** What a choice means for support and quorum; `option` where a proposal asks which, not whether. */
export const choiceRoles = ['for', 'against', 'abstain', 'option'] as const
export type ChoiceRole = (typeof choiceRoles)[number]

export interface Choice {
  readonly label: string
  readonly role: ChoiceRole
}

export const quorumUnits = ['tokens', 'weight', 'members'] as const
export type QuorumUnit = (typeof quorumUnits)[number]

/**
 * How a proposal is counted and decided. All of it is said, nothing is a habit of the code. `null` means: there is no
 * such rule.
 */
export interface Rules {
  readonly method: Method
  /** Decimal places of published roots, 0 to 18. */
  readonly decimals: number
  /** `quadratic-weight`: `none`, one choice a ballot; `linear`, shares of the root. `none` for other methods. */
  readonly split: 'none' | 'linear'
  /** `quadratic-credits`: Σ votes² of a ballot is at most this; `balance`: the member's balance. */
  readonly budget:
    | {
        readonly kind: 'fixed'
        readonly credits: Amount
        /** Votes count as many times as the member has tokens (Vocdoni without `costFromWeight`). Absent: once. */
        readonly isWeighted?: true
      }
    | { readonly kind: 'balance' }
    | null
  /** `support`: whether (choices for, against, abstain); `plurality`: which of the options. */
  readonly decides: 'support' | 'plurality'
  /** Share of the base that `for` needs: above it (strict) or at least it. */
  readonly support: {
    readonly threshold: Fraction
    readonly isStrict: boolean
    /** `cast` counts abstentions into the base. */
    readonly base: 'for+against' | 'cast'
  } | null
  /** At least this much of the electorate (`share`) or at least this (`amount`); reached when equal. */
  readonly quorum:
    | ({
        readonly unit: QuorumUnit
        /** Roles whose ballots count towards it. */
        readonly counts: readonly ChoiceRole[]
      } & (
        | {
            readonly share: Fraction
            /** The share of the electorate rounded down to a whole number first, as OpenZeppelin's Governor does. */
            readonly roundsDown?: true
          }
        | { readonly amount: Amount }
      ))
    | null
  readonly tiebreak: 'none' | 'choice-order' | 'certificate-hash'
  /** Witnesses may close before the end once no further ballot can change the outcome. */
  readonly closesEarly: boolean
  /** A quorum that is reached within this time of the end moves the end to this long after it, ms. */
  readonly lateQuorumMs: number | null
}

/** What a member says. Choices are indexes into the proposal's; each at most once. */
export type Ballot =
  | { readonly kind: 'single'; readonly choice: number }
  /** Decimal numbers as text (`0.25`, `3`), not all zero; only their proportions matter. */
  | { readonly kind: 'shares'; readonly shares: readonly (readonly [choice: number, share: string])[] }
  /** Whole votes as text, may be negative. */
  | { readonly kind: 'credits'; readonly votes: readonly (readonly [choice: number, votes: string])[] }
  | { readonly kind: 'approval'; readonly choices: readonly number[] }
  /** The best first; what is missing is below all. */
  | { readonly kind: 'ranking'; readonly ranking: readonly number[] }
