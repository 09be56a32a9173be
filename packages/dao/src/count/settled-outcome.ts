import { parseFraction } from '../exact/fraction.ts'
import { integerRoot } from '../exact/integer-root.ts'
import { combined, RootSum, type Radicand } from '../exact/root-sum.ts'
import { signOf, signOfSquares } from '../exact/sign.ts'
import { countBallots } from '../methods/count-ballots.ts'
import type { Choice, Rules } from '../rules.ts'
import type { TallyInput, TallyOutcome } from '../tally.ts'
import { admitVoices, type AdmittedVoice } from './admit-voices.ts'
import { participationOf } from './participation.ts'
import { quorumCheck } from './quorum.ts'

/** An outcome that no further ballot changes. */
export interface SettledOutcome {
  readonly outcome: TallyOutcome
  readonly winner: number | null
}

/**
 * The outcome, if no ballot of a member that has not cast one of its own can change it; else null. Ballots that
 * members cast themselves are taken as they are; who is heard through a delegate, or not at all, may still vote in any
 * way. Cautious: what is not settled by simple bounds is open, and so is a tie, until nobody is left.
 */
export function settledOutcome(input: TallyInput): SettledOutcome | null {
  const { choices, rules } = input
  const { admitted } = admitVoices(input)
  const own = admitted.filter(({ voice }) => voice.by === voice.member)
  const hasVoted = new Set(own.map(({ voice }) => voice.member))
  const open = admitVoices({
    ...input,
    electorate: input.electorate.filter(({ member }) => !hasVoted.has(member)),
    voices: [],
  }).balances
  const quorum = quorumBounds(input, { own, open })
  if (!quorum.canHold) return { outcome: 'no-quorum', winner: null }
  if (!quorum.holds) return null
  const bounds: Bounds = {
    choices,
    rules,
    scores: countBallots[rules.method](own, choices.length, rules).scores,
    open,
    own,
  }
  if (rules.decides === 'support') return settledSupport(bounds)
  return rules.method === 'ranked-choice' ? settledRanking(bounds) : settledPlurality(bounds)
}

interface Bounds {
  readonly choices: readonly Choice[]
  readonly rules: Rules
  /** By own ballots. */
  readonly scores: readonly RootSum[]
  readonly own: readonly AdmittedVoice[]
  /** Balances of members that may still vote. */
  readonly open: readonly Radicand[]
}

/** Whether the quorum holds already, and whether it does if everybody else votes so that it counts. */
function quorumBounds(
  { rules, choices, electorate }: TallyInput,
  { own, open }: { readonly own: readonly AdmittedVoice[]; readonly open: readonly Radicand[] },
): { readonly holds: boolean; readonly canHold: boolean } {
  const { quorum, decimals } = rules
  if (!quorum) return { holds: true, canHold: true }
  const { balances } = admitVoices({ rules, choices, electorate, voices: [] })
  const counted = choices.findIndex(({ role }) => quorum.counts.includes(role))
  const now = participationOf({ admitted: own, balances, choices }, quorum)
  // As if each of the others named a choice that counts; without such a choice they add nothing.
  const ballot = { kind: 'single', parts: [[counted, 1n]], total: 1n, cost: 0n } as const
  const rest = open.map((balance) => ({ balance, ballot }))
  const all = participationOf({ admitted: counted < 0 ? own : [...own, ...rest], balances, choices }, quorum)
  return {
    holds: quorumCheck(quorum, now, decimals).holds,
    canHold: quorumCheck(quorum, all, decimals).holds,
  }
}

/** The most that the open members can add to one choice. */
function reachOf({ rules, open }: Bounds): RootSum {
  const reach = new RootSum()
  for (const balance of open) {
    if (rules.method === 'quadratic-weight' || rules.method === 'quadratic-funding') reach.add(1n, balance)
    else
      reach.add(
        rules.method === 'quadratic-credits' ? votesWithin(rules, balance.value, 1n) : balance.value,
        1n,
      )
  }
  return reach
}

/**
 * The most that votes of one member can move a difference whose factors have this sum of squares: by the inequality of
 * Cauchy and Schwarz, the root of that sum times the root of the budget.
 */
function votesWithin(rules: Rules, balance: bigint, squares: bigint): bigint {
  if (rules.budget?.kind !== 'fixed') return integerRoot(squares * balance)
  const votes = integerRoot(squares * BigInt(rules.budget.credits))
  return rules.budget.isWeighted ? votes * balance : votes
}

function settledSupport(bounds: Bounds): SettledOutcome | null {
  const { choices, rules, scores, open } = bounds
  const { threshold, isStrict, base } = rules.support!
  const { numerator: n, denominator: d } = parseFraction(threshold, 'rules.support.threshold')
  const inFavour = choices.findIndex(({ role }) => role === 'for')
  const factors = choices.map(({ role }) =>
    role === 'for' ? d - n : role === 'against' || base === 'cast' ? -n : 0n,
  )
  const isCredits = rules.method === 'quadratic-credits'
  const reach = isCredits ? new RootSum() : reachOf(bounds)
  const squares = factors.reduce((sum, factor) => sum + factor * factor, 0n)
  const swing = isCredits ? open.reduce((sum, { value }) => sum + votesWithin(rules, value, squares), 0n) : 0n
  // The margin d·for − n·base if all that are open go for it (direction 1) or against it (−1).
  const margin = (direction: 1n | -1n): number => {
    const parts = factors.map((factor, i): [factor: bigint, sum: RootSum] => {
      const moves = direction * factor > 0n
      return [
        factor,
        moves
          ? combined([
              [1n, scores[i]!],
              [1n, reach],
            ])
          : scores[i]!,
      ]
    })
    if (rules.method === 'quadratic-funding') return signOfSquares(parts)
    return signOf(combined([...parts, [direction * swing, new RootSum().add(1n, 1n)]]))
  }
  const least = isCredits ? reachOf(bounds) : new RootSum()
  const staysPositive =
    signOf(
      combined([
        [1n, scores[inFavour]!],
        [-1n, least],
      ]),
    ) > 0
  if (staysPositive && (isStrict ? margin(-1n) > 0 : margin(-1n) >= 0))
    return { outcome: 'passed', winner: inFavour }
  if (isStrict ? margin(1n) <= 0 : margin(1n) < 0) return { outcome: 'defeated', winner: null }
  const nobodyCan = open.length === 0 && signOf(scores[inFavour]!) <= 0
  return nobodyCan ? { outcome: 'defeated', winner: null } : null
}

function settledPlurality(bounds: Bounds): SettledOutcome | null {
  const { choices, rules, scores, open } = bounds
  const isCredits = rules.method === 'quadratic-credits'
  const reach = reachOf(bounds)
  const swing = new RootSum()
  if (isCredits) for (const { value } of open) swing.add(votesWithin(rules, value, 2n), 1n)
  const options = choices.flatMap(({ role }, i) => (role === 'abstain' ? [] : [i]))
  const winner = options.find(
    (one) =>
      signOf(
        combined([
          [1n, scores[one]!],
          [-1n, isCredits ? reach : new RootSum()],
        ]),
      ) > 0 &&
      options.every(
        (other) =>
          other === one ||
          signOf(
            combined([
              [1n, scores[one]!],
              [-1n, scores[other]!],
              [-1n, isCredits ? swing : reach],
            ]),
          ) > 0,
      ),
  )
  return winner === undefined ? null : { outcome: 'passed', winner }
}

/** More than half of all tokens, cast or not, with one first choice: it wins in the first round whatever comes. */
function settledRanking({ choices, own, open }: Bounds): SettledOutcome | null {
  const first = choices.map(() => 0n)
  let all = open.reduce((sum, { value }) => sum + value, 0n)
  for (const { balance, ballot } of own) {
    first[ballot.parts[0]![0]]! += balance.value
    all += balance.value
  }
  const winner = first.findIndex((tokens) => 2n * tokens > all)
  return winner < 0 ? null : { outcome: 'passed', winner }
}
