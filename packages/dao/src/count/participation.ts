import { gcd } from '../exact/fraction.ts'
import { RootSum, type Radicand } from '../exact/root-sum.ts'
import type { ChoiceRole, Choice, QuorumUnit } from '../rules.ts'
import type { CountedBallot } from '../methods/counted.ts'

/** How much voted, in one unit, and how much could. */
export interface Participation {
  readonly found: RootSum
  readonly electorate: RootSum
}

/**
 * What counts towards a quorum. A ballot that splits its balance counts with the share that it gives to counted
 * choices (as GovernorCountingFractional does); any other counts whole if it names one of them, and one that names
 * nothing (an approval of nothing, no votes) counts as an abstention. Members are counted whole.
 */
export function participationOf(
  {
    admitted,
    balances,
    choices,
  }: {
    readonly admitted: readonly CountedBallot[]
    readonly balances: readonly Radicand[]
    readonly choices: readonly Choice[]
  },
  { unit, counts }: { readonly unit: QuorumUnit; readonly counts: readonly ChoiceRole[] },
): Participation {
  const isCounted = choices.map(({ role }) => counts.includes(role))
  const found = new RootSum()
  for (const { balance, ballot } of admitted) {
    const { parts, total } = ballot
    if (parts.length === 0) {
      if (counts.includes('abstain')) addUnit(found, unit, balance)
      continue
    }
    const counted = parts.filter(([choice]) => isCounted[choice])
    if (counted.length === 0) continue
    if (ballot.kind !== 'shares' || unit === 'members') {
      addUnit(found, unit, balance)
      continue
    }
    const share = counted.reduce((sum, [, whole]) => sum + whole, 0n)
    const common = gcd(share, total)
    addUnit(found, unit, balance, share / common, total / common)
  }
  const all = new RootSum()
  for (const balance of balances) addUnit(all, unit, balance)
  return { found, electorate: all }
}

function addUnit(sum: RootSum, unit: QuorumUnit, balance: Radicand, n = 1n, d = 1n): void {
  if (unit === 'members') sum.add(1n, 1n)
  else if (unit === 'tokens') sum.add(n * balance.value, 1n, d)
  else sum.add(n, balance, d)
}
