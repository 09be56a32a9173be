/**
 * The largest whole number whose square is at most `n`: Newton's iteration from above the root, which falls until it
 * is there (Cohen, A Course in Computational Algebraic Number Theory, algorithm 1.7.1). Where it starts makes no
 * difference to where it ends: the root of the first 52 bits, one more than that, saves most of the way.
 * @throws RangeError for a negative number
 */
export function integerRoot(n: bigint): bigint {
  if (n < 0n) throw new RangeError('a negative number has no root')
  if (n < 2n) return n
  const hex = n.toString(16)
  const first = Number.parseInt(hex.slice(0, 13), 16)
  const digitsLeft = Math.max(0, hex.length - 13)
  // n < (first + 1)·16^k, and the root of first + 1 is at most ⌊√first⌋ + 1: the start is not below the root.
  let root = BigInt(Math.floor(Math.sqrt(first)) + 1) << BigInt(2 * digitsLeft)
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
