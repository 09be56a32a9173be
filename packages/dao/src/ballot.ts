import { X0tError } from '@x0t/core'
import { shown } from './exact/amount.ts'
import { inProportion, parseShare } from './exact/fraction.ts'
import { invalidField, readFields, readList } from './plain-object.ts'
import { mostChoices } from './parse-choices.ts'
import type { Ballot, Choice, Method, Rules } from './rules.ts'

const code = 'DAO_BALLOT_INVALID'

/** Kinds of ballots that each method takes. A single choice is a share of everything. */
export function ballotKinds({ method, split }: Pick<Rules, 'method' | 'split'>): readonly Ballot['kind'][] {
  return method === 'quadratic-weight' && split === 'linear' ? ['single', 'shares'] : kindsOf[method]
}

const kindsOf: Readonly<Record<Method, readonly Ballot['kind'][]>> = {
  'quadratic-weight': ['single'],
  'quadratic-credits': ['credits'],
  'quadratic-funding': ['single', 'shares'],
  linear: ['single'],
  approval: ['approval'],
  'ranked-choice': ['ranking'],
  weighted: ['single', 'shares'],
}

/**
 * The shape of a ballot from decoded JSON or CBOR; whether it fits a proposal, {@link checkBallot} tells.
 * @throws X0tError DAO_BALLOT_INVALID
 */
export function parseBallot(value: unknown, path = 'ballot'): Ballot {
  const fields = readFields(value, path, code)
  const kind = fields.oneOf('kind', ['single', 'shares', 'credits', 'approval', 'ranking'])
  const list = (key: string): readonly unknown[] =>
    readList(fields.get(key), `${path}.${key}`, { code, from: 0, to: mostChoices })
  const choices = (key: string): readonly number[] =>
    list(key).map((choice) => choiceIndex(choice, `${path}.${key}`))
  const pairs = (key: string): readonly (readonly [number, string])[] =>
    list(key).map((pair) => {
      const [choice, text] = readList(pair, `${path}.${key}`, { code, from: 2, to: 2 })
      if (typeof text !== 'string' || text.length > 80) {
        throw invalidField(code, `${path}.${key}`, `has ${shown(text)} where a number as text belongs`)
      }
      return [choiceIndex(choice, `${path}.${key}`), text]
    })
  const ballot: Ballot =
    kind === 'single'
      ? { kind, choice: choiceIndex(fields.get('choice'), `${path}.choice`) }
      : kind === 'shares'
        ? { kind, shares: pairs('shares') }
        : kind === 'credits'
          ? { kind, votes: pairs('votes') }
          : kind === 'approval'
            ? { kind, choices: choices('choices') }
            : { kind, ranking: choices('ranking') }
  fields.end()
  return ballot
}

function choiceIndex(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < mostChoices)
    return value
  throw invalidField(code, path, `has ${shown(value)} where the index of a choice belongs`)
}

/** A ballot as it is counted: whole numbers by choice, none of them 0. */
export interface BallotParts {
  readonly kind: Ballot['kind']
  /** Proportions, votes, or 1 for each choice named; a ranking in its order. */
  readonly parts: readonly (readonly [choice: number, whole: bigint])[]
  /** Sum of the proportions; the number of choices named. */
  readonly total: bigint
  /** Σ votes² of `credits`; 0 for others. */
  readonly cost: bigint
}

/**
 * A ballot made ready for the count.
 * @throws X0tError DAO_BALLOT_KIND, DAO_BALLOT_EMPTY, DAO_CHOICE_UNKNOWN, DAO_CHOICE_TWICE, DAO_SHARE_INVALID,
 * DAO_VOTES_INVALID, DAO_BUDGET_EXCEEDED for a fixed budget
 */
export function readBallot(ballot: Ballot, choices: readonly Choice[], rules: Rules): BallotParts {
  const kinds = ballotKinds(rules)
  if (!kinds.includes(ballot.kind)) {
    throw new X0tError('DAO_BALLOT_KIND', `${rules.method} takes ${kinds.join(' or ')}, not ${ballot.kind}`, {
      hint: 'x0t dao show lists how a proposal is voted on',
      exitCode: 2,
    })
  }
  if (ballot.kind === 'single' && choices[ballot.choice] !== undefined) return singleParts(ballot.choice)
  const parts = partsOf(ballot)
  const named = new Set<number>()
  for (const [choice] of parts) {
    if (choices[choice] === undefined) {
      throw new X0tError('DAO_CHOICE_UNKNOWN', `choice ${choice} is not among 0 to ${choices.length - 1}`, {
        exitCode: 2,
      })
    }
    if (named.has(choice)) {
      throw new X0tError('DAO_CHOICE_TWICE', `choice ${choice} is in the ballot twice`, { exitCode: 2 })
    }
    named.add(choice)
  }
  // Approving of nothing is a ballot; naming nothing elsewhere says nothing.
  if (parts.length === 0 && ballot.kind !== 'approval') throw empty('names no choice')
  const whole = parts.filter(([, part]) => part !== 0n)
  if (ballot.kind === 'shares' && whole.length === 0) throw empty('gives every choice 0')
  const cost = ballot.kind === 'credits' ? whole.reduce((sum, [, votes]) => sum + votes * votes, 0n) : 0n
  if (rules.budget?.kind === 'fixed') checkBudget(cost, BigInt(rules.budget.credits))
  return { kind: ballot.kind, parts: whole, total: whole.reduce((sum, [, part]) => sum + part, 0n), cost }
}

/**
 * Refuses a ballot that does not fit a proposal; with `balance`, also one over the budget of a member that has it.
 * @throws X0tError DAO_BALLOT_KIND, DAO_BALLOT_EMPTY, DAO_CHOICE_UNKNOWN, DAO_CHOICE_TWICE, DAO_SHARE_INVALID,
 * DAO_VOTES_INVALID, DAO_BUDGET_EXCEEDED
 */
export function checkBallot(
  ballot: Ballot,
  choices: readonly Choice[],
  rules: Rules,
  balance?: bigint,
): void {
  const { cost } = readBallot(ballot, choices, rules)
  if (rules.budget?.kind === 'balance' && balance !== undefined) checkBudget(cost, balance)
}

/** @throws X0tError DAO_BUDGET_EXCEEDED */
export function checkBudget(cost: bigint, budget: bigint): void {
  if (cost <= budget) return
  throw new X0tError('DAO_BUDGET_EXCEEDED', `the votes cost ${cost} credits; the budget is ${budget}`, {
    hint: 'votes for a choice cost their square: 3 votes cost 9 credits',
    exitCode: 2,
  })
}

// Most ballots are for one choice: they share what they say.
const singles = new Map<number, BallotParts>()
function singleParts(choice: number): BallotParts {
  let parts = singles.get(choice)
  if (!parts) singles.set(choice, (parts = { kind: 'single', parts: [[choice, 1n]], total: 1n, cost: 0n }))
  return parts
}

function partsOf(ballot: Ballot): readonly (readonly [choice: number, whole: bigint])[] {
  if (ballot.kind === 'single') return [[ballot.choice, 1n]]
  if (ballot.kind === 'approval') return ballot.choices.map((choice) => [choice, 1n])
  if (ballot.kind === 'ranking') return ballot.ranking.map((choice) => [choice, 1n])
  if (ballot.kind === 'credits') {
    return ballot.votes.map(([choice, votes]) => [choice, parseVotes(votes, choice)])
  }
  const shares = ballot.shares.map(([choice, share]) => parseShare(share, `the share of choice ${choice}`))
  const isNothing = shares.every(({ numerator }) => numerator === 0n)
  const whole = isNothing ? shares.map(() => 0n) : inProportion(shares)
  return ballot.shares.map(([choice], index) => [choice, whole[index]!])
}

function parseVotes(text: string, choice: number): bigint {
  // Votes cost their square, and a budget is below 2^256: no more than 39 digits can be paid.
  if (typeof text === 'string' && /^(?:0|-?[1-9][0-9]{0,38})$/.test(text)) return BigInt(text)
  throw new X0tError('DAO_VOTES_INVALID', `${shown(text)} votes for choice ${choice} are no whole number`, {
    hint: 'write votes in decimal digits, with - before votes against',
    exitCode: 2,
  })
}

function empty(why: string): X0tError {
  return new X0tError('DAO_BALLOT_EMPTY', `the ballot ${why}`, { exitCode: 2 })
}
