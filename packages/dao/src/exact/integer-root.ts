/**
 * The largest whole number whose square is at most `n`: Newton's iteration from a power of two above the root, which
 * falls until it is there (Cohen, A Course in Computational Algebraic Number Theory, algorithm 1.7.1).
 * @throws RangeError for a negative number
 */
export function integerRoot(n: bigint): bigint {
  if (n < 0n) throw new RangeError('a negative number has no root')
  if (n < 2n) return n
  // h hexadecimal digits: n < 16^h, so the root is below 4^h; with a first digit below 4 it is below 2^(2h−1).
  const hex = n.toString(16)
  const bits = 4 * hex.length - (hex < '2' ? 3 : hex < '4' ? 2 : hex < '8' ? 1 : 0)
  let root = 1n << BigInt((bits + 1) >> 1)
  for (;;) {
    const next = (root + n / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

// Residues of squares modulo 64, 63 and 65: 8 of 10 non-squares are told by the first, 99 of 100 by all.
const squaresOf = [64, 63, 65].map((modulus) => {
  const residues = new Set<bigint>()
  for (let i = 0; i < modulus; i++) residues.add(BigInt((i * i) % modulus))
  return { modulus: BigInt(modulus), residues }
})

/** True if `n` is the square of a whole number. */
export function isSquare(n: bigint): boolean {
  return squareRoot(n) !== undefined
}

/** The whole root of a square; undefined for any other number. */
export function squareRoot(n: bigint): bigint | undefined {
  if (n < 0n) return undefined
  for (const { modulus, residues } of squaresOf) if (!residues.has(n % modulus)) return undefined
  const root = integerRoot(n)
  return root * root === n ? root : undefined
}
