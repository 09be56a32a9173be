import type { BallotParts } from '../ballot.ts'
import type { Rules } from '../rules.ts'
import { RootSum, type Radicand } from '../exact/root-sum.ts'

/** A ballot that counts, with the balance of the member whose voice it is. */
export interface CountedBallot {
  /** Its root is needed often: it is calculated once. */
  readonly balance: Radicand
  readonly ballot: BallotParts
}

/** What a method makes of the ballots: nothing is rounded. */
export interface Counted {
  /** The score of each choice; its root where `areRoots`. */
  readonly scores: readonly RootSum[]
  /** The scores are the squares of these sums (`quadratic-funding`). */
  readonly areRoots: boolean
  /** `ranked-choice`: what each choice had in each round, the first round first. */
  readonly rounds: readonly (readonly bigint[])[]
  /** `ranked-choice`: who wins; more than one where it depends on ties. Others: undefined, the scores tell. */
  readonly leaders?: readonly number[]
}

/** Counts ballots over `choices` choices. The order of the ballots makes no difference. */
export type CountBallots = (ballots: readonly CountedBallot[], choices: number, rules: Rules) => Counted

/** A method in which each part of a ballot adds a number of its own to the score of a choice. */
export function summed(
  add: (
    score: RootSum,
    part: { readonly balance: Radicand; readonly whole: bigint; readonly total: bigint },
    rules: Rules,
  ) => void,
  { areRoots = false } = {},
): CountBallots {
  return (ballots, choices, rules) => {
    const scores = Array.from({ length: choices }, () => new RootSum())
    for (const { balance, ballot } of ballots) {
      for (const [choice, whole] of ballot.parts)
        add(scores[choice]!, { balance, whole, total: ballot.total }, rules)
    }
    return { scores, areRoots, rounds: [] }
  }
}
