/** What the test of two samples found. */
export interface RankTest {
  /** Mann–Whitney U of the first sample: pairs in which its value is the larger, ties counting half. */
  readonly u: number
  /** Two-sided: the chance of a U at least as far from its mean if both samples are of one distribution. */
  readonly p: number
  readonly method: 'exact' | 'normal'
}

/** The exact distribution is counted up to this many pairs; above, the normal approximation is as good. */
const mostExactPairs = 2500

/**
 * Mann–Whitney U test, two-sided (Mann and Whitney 1947). Exact by counting (their recurrence) where no two values are
 * equal; else the normal approximation with corrections for ties and continuity (Hollander and Wolfe 1999, §4.1).
 * @throws RangeError on an empty sample
 */
export function mannWhitney(first: readonly number[], second: readonly number[]): RankTest {
  const [n, m] = [first.length, second.length]
  if (n === 0 || m === 0) throw new RangeError('a rank test needs two samples')
  const { rankSum, tieTerm } = rankFirst(first, second)
  const u = rankSum - (n * (n + 1)) / 2
  if (tieTerm === 0 && n * m <= mostExactPairs) return { u, p: exactP(u, n, m), method: 'exact' }
  const total = n + m
  const variance = ((n * m) / 12) * (total + 1 - tieTerm / (total * (total - 1)))
  if (variance <= 0) return { u, p: 1, method: 'normal' } // all values are equal
  const z = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5) / Math.sqrt(variance)
  return { u, p: Math.min(1, 2 * upperTail(z)), method: 'normal' }
}

/** Sum of the ranks of the first sample, equal values sharing their mean rank; and the sum of t³ − t over ties. */
function rankFirst(
  first: readonly number[],
  second: readonly number[],
): { readonly rankSum: number; readonly tieTerm: number } {
  const sorted = [
    ...first.map((value) => ({ value, mine: true })),
    ...second.map((value) => ({ value, mine: false })),
  ].toSorted((a, b) => a.value - b.value)
  let [rankSum, tieTerm] = [0, 0]
  for (let from = 0; from < sorted.length;) {
    let to = from
    while (to < sorted.length && sorted[to]!.value === sorted[from]!.value) to++
    const size = to - from
    const rank = (from + 1 + to) / 2
    for (let at = from; at < to; at++) if (sorted[at]!.mine) rankSum += rank
    tieTerm += size ** 3 - size
    from = to
  }
  return { rankSum, tieTerm }
}

/** Two-sided chance of a U as extreme as this one: twice the smaller tail. */
function exactP(u: number, n: number, m: number): number {
  const counts = countsOfU(n, m)
  const all = counts.reduce((sum, count) => sum + count, 0)
  const extreme = Math.min(u, n * m - u)
  let tail = 0
  for (let value = 0; value <= extreme; value++) tail += counts[value]!
  return Math.min(1, (2 * tail) / all)
}

/**
 * In how many of the orders of n and m values U takes each value from 0 to n·m: the coefficients of the Gaussian
 * binomial, the product over i of (1 − q^(m+i)) / (1 − q^i).
 */
function countsOfU(n: number, m: number): Float64Array {
  const counts = new Float64Array(n * m + 1)
  counts[0] = 1
  for (let i = 1; i <= n; i++) {
    for (let at = counts.length - 1; at >= m + i; at--) counts[at]! -= counts[at - m - i]!
    for (let at = i; at < counts.length; at++) counts[at]! += counts[at - i]!
  }
  return counts
}

/** Least p that two wholly separate samples of these sizes can give. */
export function leastP(n: number, m: number): number {
  let orders = 1
  for (let i = 1; i <= n; i++) orders = (orders * (m + i)) / i
  return Math.min(1, 2 / orders)
}

/**
 * Chance that a standard normal value exceeds `z` ≥ 0: the complementary error function by its Chebyshev fit, relative
 * error below 1.2e-7 (Press et al., Numerical Recipes, 2nd edition, §6.2).
 */
function upperTail(z: number): number {
  const x = z / Math.SQRT2
  const t = 1 / (1 + x / 2)
  const coefficients = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ]
  const polynomial = coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0)
  return (t * Math.exp(-x * x + polynomial)) / 2
}
