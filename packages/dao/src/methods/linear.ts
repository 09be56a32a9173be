import { summed } from './counted.ts'

/** T_c = Σ b over the members that chose c: one token, one vote. */
export const countLinear = summed((score, { balance }) => {
  score.add(balance.value, 1n)
})
