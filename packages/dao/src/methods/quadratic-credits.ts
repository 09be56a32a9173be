import { summed } from './counted.ts'

/**
 * T_c = Σ n, whole votes that may be negative and cost n² of a budget: the textbook (RadicalxChange), MACI's QV,
 * Vocdoni's `costExponent: 2`. The budget of each member is checked before the count.
 */
export const countQuadraticCredits = summed((score, { whole }) => {
  score.add(whole, 1n)
})
