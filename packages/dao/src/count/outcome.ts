import { createHash } from 'node:crypto'
import { decimalOf } from '../exact/decimal.ts'
import { parseFraction } from '../exact/fraction.ts'
import type { Choice, Rules } from '../rules.ts'
import type { Tally, TallyOutcome } from '../tally.ts'
import type { ExactScores } from './exact-scores.ts'

/** What the rules make of the scores, apart from the quorum. */
export interface Decision {
  readonly outcome: TallyOutcome
  readonly winner: number | null
  readonly leaders: readonly number[]
  readonly checks: Tally['checks']
}

export interface Scored {
  readonly choices: readonly Choice[]
  readonly rules: Rules
  readonly scores: ExactScores
  /** Published scores in units of 10^−decimals: shown, never decided on. */
  readonly published: readonly bigint[]
}

/**
 * A motion passes if the score for it is above 0 and above the threshold's share of the base (or equals it, where the
 * rule is not strict). Equal scores for and against are named as leaders; that is a defeat where the rule is strict.
 */
export function decideSupport({ choices, rules, scores, published }: Scored): Decision {
  const { threshold, isStrict, base } = rules.support!
  const { numerator: n, denominator: d } = parseFraction(threshold, 'rules.support.threshold')
  const [inFavour, against] = [indexOf(choices, 'for'), indexOf(choices, 'against')]
  const isBase = ({ role }: Choice): boolean => role === 'for' || role === 'against' || base === 'cast'
  const margin = choices.map((choice, i) => (i === inFavour ? d : 0n) - (isBase(choice) ? n : 0n))
  const sign = scores.sign(margin)
  const isPositive = scores.sign(choices.map((_, i) => (i === inFavour ? 1n : 0n))) > 0
  const holds = isPositive && (isStrict ? sign > 0 : sign >= 0)
  const baseUnits = choices.reduce((sum, choice, i) => (isBase(choice) ? sum + published[i]! : sum), 0n)
  return {
    outcome: holds ? 'passed' : 'defeated',
    winner: holds ? inFavour : null,
    leaders:
      isPositive && scores.compare(inFavour, against) === 0
        ? [inFavour, against].toSorted((a, b) => a - b)
        : [],
    checks: [
      {
        rule: 'support',
        holds,
        found: decimalOf(published[inFavour]!, rules.decimals),
        needed: decimalOf((baseUnits * n) / d, rules.decimals),
        unit: 'score',
      },
    ],
  }
}

function indexOf(choices: readonly Choice[], role: Choice['role']): number {
  return choices.findIndex((choice) => choice.role === role)
}

/** The option with most wins, if it has more than 0. Several with most are a tie, which a declared tiebreak settles. */
export function decidePlurality(
  { choices, rules, scores, published }: Scored,
  {
    leaders = leadersOf(choices, scores),
    certificateRoot,
  }: { readonly leaders?: readonly number[]; readonly certificateRoot?: Uint8Array },
): Decision {
  const [first] = leaders
  if (first === undefined)
    return { outcome: 'defeated', winner: null, leaders: [], checks: [plurality(false)] }
  if (leaders.length === 1)
    return { outcome: 'passed', winner: first, leaders: [], checks: [plurality(true)] }
  const winner = tiebreakWinner(rules, leaders, certificateRoot)
  return {
    outcome: winner === null ? 'tied' : 'passed',
    winner,
    leaders,
    checks: [
      plurality(false),
      {
        rule: 'tiebreak',
        holds: winner !== null,
        found: winner === null ? rules.tiebreak : `${rules.tiebreak}: choice ${winner}`,
        needed: 'one choice',
        unit: null,
      },
    ],
  }

  function plurality(holds: boolean): Tally['checks'][number] {
    const show = (units: bigint): string => decimalOf(units, rules.decimals)
    const mine = first === undefined ? 0n : published[first]!
    const others = published.filter((_, i) => i !== first && choices[i]!.role !== 'abstain')
    const needed = others.reduce((most, units) => (units > most ? units : most), 0n)
    return { rule: 'plurality', holds, found: show(mine), needed: show(needed), unit: 'score' }
  }
}

/** Options with the highest score, in the order of the proposal; none if that is not above 0. */
function leadersOf(choices: readonly Choice[], scores: ExactScores): readonly number[] {
  let leaders: number[] = []
  for (const [index, { role }] of choices.entries()) {
    if (role === 'abstain') continue
    const order = leaders.length === 0 ? 1 : scores.compare(index, leaders[0]!)
    if (order > 0) leaders = [index]
    else if (order === 0) leaders.push(index)
  }
  const isPositive = scores.sign(choices.map((_, i) => (i === leaders[0] ? 1n : 0n))) > 0
  return isPositive ? leaders : []
}

/**
 * `choice-order`: the first of the proposal. `certificate-hash`: the one whose SHA-256 over the certificate's root and
 * its index (4 bytes, big-endian) is lowest; nobody can know it before the set of ballots is final.
 */
function tiebreakWinner(
  { tiebreak }: Rules,
  leaders: readonly number[],
  root: Uint8Array | undefined,
): number | null {
  if (tiebreak === 'choice-order') return leaders[0]!
  if (tiebreak === 'none' || root === undefined) return null
  const hashOf = (choice: number): string => {
    const index = new Uint8Array(4)
    new DataView(index.buffer).setUint32(0, choice)
    return createHash('sha256').update(root).update(index).digest('hex')
  }
  return leaders.toSorted((a, b) => (hashOf(a) < hashOf(b) ? -1 : 1))[0]!
}
