import { gcd } from '../exact/fraction.ts'
import { summed } from './counted.ts'

/**
 * S_c = (Σ √(b·w/W))²: what Snapshot calls quadratic voting (snapshot.js `src/voting/quadratic.ts`). Its published
 * score is Σb·S_c/ΣS. Here the sums before squaring: √(b·w/W) = (1/W)·√(b·w·W).
 */
export const countQuadraticFunding = summed(
  (score, { balance, whole, total }) => {
    const shared = gcd(whole, total)
    const [w, W] = [whole / shared, total / shared]
    score.add(1n, W === 1n ? balance : balance.value * w * W, W)
  },
  { areRoots: true },
)
