import { X0tError } from '@x0t/core'
import { plus, signOfInterval, squared, times, type Interval, type Sign } from './interval.ts'
import { combined, RootSum } from './root-sum.ts'
import { reducedToClasses } from './square-classes.ts'

/** Bits behind the point of the intervals that come before the exact test. */
const quickBits = [32n, 64n]

/** Sums this close to zero have never been made; there the work ends with an error, not with a guess. */
const mostBits = 65_536n

/**
 * The exact sign of Σ (n/d)·√r: intervals at 32 and 64 bits; if they do not tell, an exact test for zero by square
 * classes; if it is not zero, intervals with twice the bits each time, which must tell.
 * @throws X0tError DAO_COUNT_TOO_HARD beyond 65,536 bits
 */
export function signOf(sum: RootSum): Sign {
  for (const bits of quickBits) {
    const sign = signOfInterval(sum.intervalAt(1n << bits))
    if (sign !== undefined) return sign
  }
  const reduced = reducedToClasses(sum)
  if (reduced.isEmpty) return 0
  return signByBits(reduced)
}

/** The sign of a number that is not zero. */
function signByBits(sum: RootSum): Sign {
  for (let bits = 128n; bits <= mostBits; bits *= 2n) {
    const sign = signOfInterval(sum.intervalAt(1n << bits))
    if (sign !== undefined) return sign
  }
  throw tooHard(`the numbers differ by less than 2^−${mostBits}`)
}

/** Square classes of a quadratic form beyond which its products are not expanded: half a million of them. */
const mostClasses = 1000

/**
 * The exact sign of Σ k·R², where each R is a sum of roots that is at least 0.
 * @throws X0tError DAO_COUNT_TOO_HARD for a near tie of sums with over 1,000 square classes
 */
export function signOfSquares(given: readonly (readonly [factor: bigint, sum: RootSum])[]): Sign {
  const parts = given.filter(([factor, sum]) => factor !== 0n && !sum.isEmpty)
  const [over, under] = [parts.filter(([factor]) => factor > 0n), parts.filter(([factor]) => factor < 0n)]
  if (over.length < 2 && under.length < 2) {
    // k·R² > l·S² exactly when √k·R > √l·S: nothing needs multiplying out.
    const sum = new RootSum()
    for (const [factor, roots] of over) for (const [n, r, d] of roots) sum.add(n, r.value * factor, d)
    for (const [factor, roots] of under) for (const [n, r, d] of roots) sum.add(-n, r.value * -factor, d)
    return signOf(sum)
  }
  const intervalAt = (scale: bigint): Interval =>
    parts.reduce<Interval>((all, [factor, sum]) => plus(all, times(factor, squared(sum.intervalAt(scale)))), {
      low: 0n,
      high: 0n,
    })
  for (const bits of [...quickBits, 128n, 256n]) {
    const sign = signOfInterval(intervalAt(1n << bits))
    if (sign !== undefined) return sign
  }
  return signOf(expanded(parts))
}

/** Σ k·R² multiplied out: Σ k·a_i²·r_i + 2·Σ k·a_i·a_j·√(r_i·r_j). Common classes keep it short. */
function expanded(parts: readonly (readonly [factor: bigint, sum: RootSum])[]): RootSum {
  const product = new RootSum()
  for (const [factor, sum] of parts) {
    const terms = [...reducedToClasses(sum)]
    if (terms.length > mostClasses)
      throw tooHard(`the squares of ${terms.length} different roots are too many`)
    for (const [i, [n, r, d]] of terms.entries()) {
      product.add(factor * n * n * r.value, 1n, d * d)
      for (const [m, s, e] of terms.slice(i + 1)) product.add(2n * factor * n * m, r.value * s.value, d * e)
    }
  }
  return product
}

/** The order of two sums: 1 if `a` is larger, −1 if `b` is, 0 if they are equal. */
export function compareSums(a: RootSum, b: RootSum): Sign {
  return signOf(
    combined([
      [1n, a],
      [-1n, b],
    ]),
  )
}

function tooHard(why: string): X0tError {
  return new X0tError('DAO_COUNT_TOO_HARD', `no exact comparison within the limits of work: ${why}`, {
    hint: 'count with a method whose decision takes fewer roots: quadratic-weight, or base for+against',
  })
}
