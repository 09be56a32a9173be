import t from 'tap'
import { jacobiSymbol, letterOf, primesNearMillion } from '../src/exact/jacobi-symbol.ts'

t.test('the symbol of a prime tells squares modulo it, by Euler’s criterion', (t) => {
  for (const p of [3, 5, 7, 11, 101, 997]) {
    for (let a = 0; a < p; a++) {
      // Euler: a^((p−1)/2) is 1, −1 or 0 modulo p.
      let power = 1n
      for (let i = 0; i < (p - 1) / 2; i++) power = (power * BigInt(a)) % BigInt(p)
      const euler = power === BigInt(p - 1) ? -1 : Number(power)
      if (jacobiSymbol(a, p) !== (a === 0 ? 0 : euler)) t.fail(`(${a}/${p})`)
    }
  }
  t.equal(jacobiSymbol(2, 15), 1) // (2/3)·(2/5) = (−1)·(−1)
  t.equal(jacobiSymbol(3, 9), 0)
  t.end()
})

t.test('the primes are 1,024 odd primes below a million', (t) => {
  const primes = primesNearMillion()
  t.equal(primes.length, 1024)
  t.equal(new Set(primes).size, 1024)
  t.equal(primes[0], 999_983) // the largest prime below 10^6
  for (const p of primes.slice(0, 50))
    for (let d = 2; d * d <= p; d++) if (p % d === 0) t.fail(`${d} divides ${p}`)
  t.end()
})

t.test('letters are the same inside a square class, whatever powers of the prime are in it', (t) => {
  for (const p of [999_983, 7]) {
    const q = BigInt(p)
    for (const r of [2n, 3n, 30n, 12_345_678_901n]) {
      t.equal(letterOf(r * 49n * q * q, p), letterOf(r * (p === 7 ? 4n : 1n), p))
      t.equal(letterOf(r * q ** 3n, p), letterOf(r * q, p))
      t.not(letterOf(r * q, p), letterOf(r, p))
    }
  }
  t.end()
})
