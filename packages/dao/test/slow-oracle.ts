/** A term (n/d)·√r. */
export type Term = readonly [n: bigint, r: bigint, d: bigint]

/**
 * The sign of Σ (n/d)·√r by brute force: fixed-point numbers of `bits` bits, each root digit by digit. What is within
 * the error of all terms is taken for zero: a reference for sums whose distance from zero is known to be larger.
 */
export function slowSign(terms: readonly Term[], bits = 3000n): -1 | 0 | 1 {
  let sum = 0n
  for (const [n, r, d] of terms) sum += (n * digitRoot(r << (2n * bits))) / d
  const error = terms.reduce((all, [n]) => all + (n < 0n ? -n : n) + 1n, 0n)
  return sum > error ? 1 : sum < -error ? -1 : 0
}

/** Integer root bit by bit, as by hand: nothing in common with Newton's iteration. */
function digitRoot(n: bigint): bigint {
  let bit = 1n
  while (bit <= n) bit <<= 2n
  let [rest, root] = [n, 0n]
  for (bit >>= 2n; bit > 0n; bit >>= 2n) {
    if (rest >= root + bit) {
      rest -= root + bit
      root = (root >> 1n) + bit
    } else root >>= 1n
  }
  return root
}
