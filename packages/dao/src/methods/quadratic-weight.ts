import { gcd } from '../exact/fraction.ts'
import { summed } from './counted.ts'

/**
 * T_c = Σ √b over the members that chose c: a member's weight is the root of its tokens (x0tta6bl4
 * `src/dao/governance.py`, Snapshot's strategy erc20-balance-of-cv). With `split: linear` a ballot gives the share w/W
 * of its root: splitting gains nothing.
 */
export const countQuadraticWeight = summed((score, { balance, whole, total }) => {
  const shared = gcd(whole, total)
  score.add(whole / shared, balance, total / shared)
})
