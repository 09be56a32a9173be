import type { Ballot, Choice, Rules } from '@x0t/dao'

/** How a ballot is filled in: what kind it is, and what each choice has so far. */
export interface VoteState {
  readonly title: string
  readonly choices: readonly Choice[]
  readonly kind: Ballot['kind']
  /** Credits that may be spent; null where votes cost nothing. */
  readonly budget: bigint | null
  /** Where the cursor is. */
  readonly at: number
  /** By choice: votes, shares, 1 for approved, or the rank from 1; 0 is nothing. */
  readonly values: readonly number[]
  /** Why the last key did nothing. */
  readonly remark: string
}

export type VoteKey = 'up' | 'down' | 'left' | 'right' | 'toggle'

/** Largest share or number of votes that the keys reach; more is written on the command line. */
const most = 999

export function startVote(
  title: string,
  choices: readonly Choice[],
  { method, split }: Rules,
  budget: bigint | null,
): VoteState {
  const splits = method === 'weighted' || method === 'quadratic-funding' || split === 'linear'
  const kinds: Partial<Record<Rules['method'], Ballot['kind']>> = {
    'quadratic-credits': 'credits',
    approval: 'approval',
    'ranked-choice': 'ranking',
  }
  const kind = kinds[method] ?? (splits ? 'shares' : 'single')
  return { title, choices, kind, budget, at: 0, values: choices.map(() => 0), remark: '' }
}

/** The next state. Keys that mean nothing for this kind of ballot leave it as it is. */
export function voteKey(before: VoteState, key: VoteKey): VoteState {
  const state = { ...before, remark: '' }
  const { at, values, kind, choices } = state
  if (key === 'up' || key === 'down') {
    const next = at + (key === 'up' ? -1 : 1)
    return { ...state, at: (next + choices.length) % choices.length }
  }
  const value = values[at]!
  if (key === 'toggle') {
    if (kind === 'single') return { ...state, values: values.map((_, index) => (index === at ? 1 : 0)) }
    if (kind === 'approval') return withValue(state, 1 - value)
    if (kind === 'ranking') return ranked(state)
    return withValue(state, value === 0 ? 1 : 0)
  }
  if (kind !== 'shares' && kind !== 'credits') return state
  const least = kind === 'credits' ? -most : 0
  const next = withValue(state, Math.min(most, Math.max(least, value + (key === 'left' ? -1 : 1))))
  if (state.budget !== null && spent(next) > state.budget)
    return { ...state, remark: `${spent(next)} credits would be needed, ${state.budget} are there` }
  return next
}

/** What the votes cost: the sum of their squares. */
export function spent({ values }: VoteState): bigint {
  return values.reduce((sum, value) => sum + BigInt(value) ** 2n, 0n)
}

/** The ballot as filled in; undefined while it says nothing. */
export function filledBallot({ kind, values }: VoteState): Ballot | undefined {
  const chosen = values.flatMap((value, choice) => (value === 0 ? [] : [{ choice, value }]))
  if (chosen.length === 0) return undefined
  const pairs = chosen.map(({ choice, value }): [number, string] => [choice, String(value)])
  switch (kind) {
    case 'single':
      return { kind, choice: chosen[0]!.choice }
    case 'approval':
      return { kind, choices: chosen.map(({ choice }) => choice) }
    case 'ranking':
      return {
        kind,
        ranking: chosen.toSorted((one, other) => one.value - other.value).map(({ choice }) => choice),
      }
    case 'shares':
      return { kind, shares: pairs }
    default:
      return { kind, votes: pairs }
  }
}

function withValue(state: VoteState, value: number): VoteState {
  return { ...state, values: state.values.map((one, index) => (index === state.at ? value : one)) }
}

/** Puts the choice at the end of the ranking, or takes it out and closes the gap. */
function ranked(state: VoteState): VoteState {
  const { values, at } = state
  const rank = values[at]!
  if (rank === 0) return withValue(state, Math.max(...values) + 1)
  return {
    ...state,
    values: values.map((one, index) => (index === at ? 0 : one > rank ? one - 1 : one)),
  }
}
