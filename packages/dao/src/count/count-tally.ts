import { decimalOf } from '../exact/decimal.ts'
import { intervalOf, RootSum, RootTable } from '../exact/root-sum.ts'
import { checkChoices } from '../parse-choices.ts'
import { countBallots } from '../methods/count-ballots.ts'
import type { Counted } from '../methods/counted.ts'
import type { Tally, TallyInput } from '../tally.ts'
import { admitVoices, type AdmittedVoice } from './admit-voices.ts'
import { ExactScores } from './exact-scores.ts'
import { decidePlurality, decideSupport, type Decision } from './outcome.ts'
import { participationOf } from './participation.ts'
import { quorumCheck } from './quorum.ts'

/** Digits that published numbers are calculated with beyond those shown, where they are not sums of rounded roots. */
const guardDigits = 18

/**
 * The result of a count: a pure function of its input, the same for every order of electorate and voices. Decisions
 * are made on exact numbers; the published ones are rounded down.
 * @throws X0tError DAO_CHOICES_INVALID where choices and rules do not fit, DAO_COUNT_TOO_HARD for a decision over
 * more roots than can be compared
 * @throws RangeError for a voice of no elector, with another balance, or twice
 */
export function tally(input: TallyInput): Tally {
  const { choices, rules, electorate } = input
  checkChoices(choices, rules)
  const { admitted, voided } = admitVoices(input)
  const counted = countBallots[rules.method](admitted, choices.length)
  const { decimals } = rules
  const weights = new RootTable(10n ** BigInt(decimals))
  const scores = new ExactScores(
    counted,
    rules.method === 'quadratic-weight' ? weights : new RootTable(10n ** BigInt(decimals + guardDigits)),
  )
  const published = publishedScores(input, counted, { admitted, scores, weights })
  const quorum =
    rules.quorum &&
    quorumCheck(rules.quorum, participationOf({ admitted, electorate, choices }, rules.quorum), {
      roots: weights,
      decimals,
    })
  const { outcome, winner, leaders, checks } = decide(input, { counted, scores, published })
  const isQuorate = quorum?.holds ?? true
  const ballots = choices.map(() => 0)
  for (const { ballot } of admitted) for (const [choice] of ballot.parts) ballots[choice]! += 1
  return {
    v: 1,
    method: rules.method,
    decimals,
    scores: choices.map((_, choice) => ({
      choice,
      score: decimalOf(published[choice]!, decimals),
      percent: percentOf(choice, counted, scores),
      ballots: ballots[choice]!,
    })),
    outcome: isQuorate ? outcome : 'no-quorum',
    winner: isQuorate ? winner : null,
    leaders,
    checks: quorum ? [quorum, ...checks] : checks,
    turnout: amountsOf(admitted, weights, decimals),
    electorate: amountsOf(electorate, weights, decimals),
    voided,
    rounds: counted.rounds.map((round) =>
      round.map((tokens) => decimalOf(tokens * 10n ** BigInt(decimals), decimals)),
    ),
  }
}

function decide(
  { choices, rules, certificateRoot }: TallyInput,
  found: { readonly counted: Counted; readonly scores: ExactScores; readonly published: readonly bigint[] },
): Decision {
  const scored = { choices, rules, scores: found.scores, published: found.published }
  if (rules.decides === 'support') return decideSupport(scored)
  const { leaders } = found.counted
  return decidePlurality(scored, {
    ...(leaders === undefined ? {} : { leaders }),
    ...(certificateRoot === undefined ? {} : { certificateRoot }),
  })
}

/** Scores in units of 10^−decimals. */
function publishedScores(
  { choices, rules }: TallyInput,
  counted: Counted,
  {
    admitted,
    scores,
    weights,
  }: {
    readonly admitted: readonly AdmittedVoice[]
    readonly scores: ExactScores
    readonly weights: RootTable
  },
): readonly bigint[] {
  // Weights are published as sums of rounded roots: whoever adds up the weights of a list finds the same.
  if (rules.method === 'quadratic-weight') return counted.scores.map((sum) => intervalOf(sum, weights).low)
  const one = [...choices.map(() => 0n), 1n]
  const all = choices.map(() => 1n)
  if (!counted.areRoots) {
    return choices.map((_, choice) => scores.floorQuotient(only(choice, weights.scale), one))
  }
  // What Snapshot publishes: the tokens that voted, divided in proportion to the squares.
  const tokens = admitted.reduce((sum, { balance }) => sum + balance, 0n)
  if (counted.scores.every((sum) => sum.isZero)) return choices.map(() => 0n)
  return choices.map((_, choice) => scores.floorQuotient(only(choice, tokens * weights.scale), all))
}

/** Percent with two places, rounded down; null where a score is below 0 or all are 0. */
function percentOf(choice: number, counted: Counted, scores: ExactScores): string | null {
  const all = counted.scores.map(() => 1n)
  if (counted.scores.some((_, i) => scores.sign(only(i, 1n)) < 0) || scores.sign(all) <= 0) return null
  return decimalOf(scores.floorQuotient(only(choice, 10_000n), all), 2)
}

/** Factors that are 0 but for one choice. */
function only(choice: number, factor: bigint): readonly bigint[] {
  return Array.from({ length: choice + 1 }, (_, i) => (i === choice ? factor : 0n))
}

function amountsOf(
  list: readonly { readonly balance: bigint }[],
  roots: RootTable,
  decimals: number,
): Tally['turnout'] {
  const weight = new RootSum()
  let tokens = 0n
  for (const { balance } of list) {
    tokens += balance
    weight.add(1n, balance)
  }
  return {
    members: list.length,
    tokens: tokens.toString(),
    weight: decimalOf(intervalOf(weight, roots).low, decimals),
  }
}
