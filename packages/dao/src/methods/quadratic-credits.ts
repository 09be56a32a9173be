import { summed } from './counted.ts'

/**
 * T_c = Σ n, whole votes that may be negative and cost n² of a budget: the textbook (RadicalxChange), MACI's QV,
 * Vocdoni's `costExponent: 2`. The budget of each member is checked before the count. With `isWeighted` the votes of a
 * member count as many times as it has tokens.
 */
export const countQuadraticCredits = summed((score, { balance, whole }, { budget }) => {
  const isWeighted = budget?.kind === 'fixed' && budget.isWeighted === true
  score.add(isWeighted ? whole * balance.value : whole, 1n)
})
