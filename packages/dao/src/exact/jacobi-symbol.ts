/** Odd primes from 10^6 down to 500,000, the first 1,024 of them. Made when they are first asked for. */
let primes: readonly number[] | undefined

export function primesNearMillion(): readonly number[] {
  return (primes ??= sieve())
}

function sieve(): readonly number[] {
  const limit = 1_000_000
  const isComposite = new Uint8Array(limit)
  for (let i = 2; i * i < limit; i++) {
    if (isComposite[i] === 0) for (let j = i * i; j < limit; j += i) isComposite[j] = 1
  }
  const found: number[] = []
  for (let i = limit - 1; found.length < 1024; i--) if (isComposite[i] === 0) found.push(i)
  return found
}

/**
 * Jacobi symbol (a/n) of whole numbers, n odd, 0 ≤ a < n < 2^31 (Cohen, algorithm 1.4.10, with quadratic
 * reciprocity). Every step is exact: no number here reaches 2^53.
 */
export function jacobiSymbol(a: number, n: number): -1 | 0 | 1 {
  let sign: -1 | 1 = 1
  while (a !== 0) {
    while ((a & 1) === 0) {
      a >>= 1
      const rest = n & 7
      if (rest === 3 || rest === 5) sign = sign === 1 ? -1 : 1
    }
    ;[a, n] = [n, a]
    if ((a & 3) === 3 && (n & 3) === 3) sign = sign === 1 ? -1 : 1
    a %= n
  }
  return n === 1 ? sign : 0
}

/**
 * A letter that is the same for r and s whenever r·s is a square: whether the prime divides `r` an odd number of
 * times, and the Jacobi symbol of what is left after taking the prime out. `r` is at least 1.
 */
export function letterOf(r: bigint, prime: number): string {
  const p = BigInt(prime)
  let rest = Number(r % p)
  let isOdd = false
  while (rest === 0) {
    r /= p
    isOdd = !isOdd
    rest = Number(r % p)
  }
  const isResidue = jacobiSymbol(rest, prime) === 1
  return isOdd ? (isResidue ? 'O' : 'o') : isResidue ? 'E' : 'e'
}
