import { decimalOf } from '../exact/decimal.ts'
import type { Radicand } from '../exact/root-sum.ts'
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
const guard = 10n ** 18n

/**
 * The result of a count: a pure function of its input, the same for every order of electorate and voices. Decisions
 * are made on exact numbers; the published ones are rounded down.
 * @throws X0tError DAO_CHOICES_INVALID where choices and rules do not fit, DAO_COUNT_TOO_HARD for a decision over
 * more roots than can be compared
 * @throws RangeError for a voice of no elector, with another balance, or twice
 */
export function tally(input: TallyInput): Tally {
  const { choices, rules } = input
  checkChoices(choices, rules)
  const { balances, admitted, voided } = admitVoices(input)
  const counted = countBallots[rules.method](admitted, choices.length, rules)
  const { decimals } = rules
  const scale = 10n ** BigInt(decimals)
  const scores = new ExactScores(counted, rules.method === 'quadratic-weight' ? scale : scale * guard)
  const published = publishedScores(input, counted, { admitted, scores, scale })
  const quorum =
    rules.quorum &&
    quorumCheck(rules.quorum, participationOf({ admitted, balances, choices }, rules.quorum), decimals)
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
    turnout: amountsOf(
      admitted.map(({ balance }) => balance),
      decimals,
    ),
    electorate: amountsOf(balances, decimals),
    voided,
    rounds: counted.rounds.map((round) => round.map((tokens) => decimalOf(tokens * scale, decimals))),
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
    scale,
  }: {
    readonly admitted: readonly AdmittedVoice[]
    readonly scores: ExactScores
    readonly scale: bigint
  },
): readonly bigint[] {
  // Weights are published as sums of rounded roots: whoever adds up the weights of a list finds the same.
  if (rules.method === 'quadratic-weight') return counted.scores.map((sum) => sum.intervalAt(scale).low)
  const one = [...choices.map(() => 0n), 1n]
  const all = choices.map(() => 1n)
  if (!counted.areRoots) {
    return choices.map((_, choice) => scores.floorQuotient(only(choice, scale), one))
  }
  // What Snapshot publishes: the tokens that voted, divided in proportion to the squares.
  const tokens = admitted.reduce((sum, { balance }) => sum + balance.value, 0n)
  if (counted.scores.every((sum) => sum.isEmpty)) return choices.map(() => 0n)
  return choices.map((_, choice) => scores.floorQuotient(only(choice, tokens * scale), all))
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

function amountsOf(balances: readonly Radicand[], decimals: number): Tally['turnout'] {
  const scale = 10n ** BigInt(decimals)
  let [tokens, weight] = [0n, 0n]
  for (const balance of balances) {
    tokens += balance.value
    weight += balance.floorAt(scale)
  }
  return { members: balances.length, tokens: tokens.toString(), weight: decimalOf(weight, decimals) }
}
