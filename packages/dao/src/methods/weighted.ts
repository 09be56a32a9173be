import { gcd } from '../exact/fraction.ts'
import { summed } from './counted.ts'

/** T_c = Σ b·w/W: a balance split over choices in proportion (snapshot.js `src/voting/weighted.ts`). */
export const countWeighted = summed((score, { balance, whole, total }) => {
  const shared = gcd(whole, total)
  score.add(balance.value * (whole / shared), 1n, total / shared)
})
