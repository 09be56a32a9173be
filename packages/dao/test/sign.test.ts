import fc from 'fast-check'
import t from 'tap'
import { compareSums, RootSum, signOf, signOfSquares } from '../src/index.ts'
import { slowSign, type Term } from './slow-oracle.ts'

const sumOf = (...terms: (readonly [n: bigint, r: bigint, d?: bigint])[]): RootSum => {
  const sum = new RootSum()
  for (const [n, r, d] of terms) sum.add(n, r, d)
  return sum
}

t.test('true ties are found: √2 + √8 = √18, also with fractions and huge numbers', (t) => {
  t.equal(signOf(sumOf([1n, 2n], [1n, 8n], [-1n, 18n])), 0)
  t.equal(signOf(sumOf()), 0)
  t.equal(signOf(sumOf([1n, 0n])), 0)
  t.equal(signOf(sumOf([3n, 4n], [-6n, 1n])), 0)
  // (1/3)√18 = √2 and (1/6)√8 = (1/3)√2
  t.equal(signOf(sumOf([1n, 18n, 3n], [-1n, 2n])), 0)
  t.equal(signOf(sumOf([1n, 8n, 6n], [-1n, 2n, 3n])), 0)
  const huge = 2n ** 256n - 189n
  t.equal(signOf(sumOf([2n, huge], [-1n, 4n * huge])), 0)
  // 1/2 + 1/3 + 1/6 − 1 = 0
  t.equal(signOf(sumOf([1n, 1n, 2n], [1n, 1n, 3n], [1n, 1n, 6n], [-1n, 1n])), 0)
  t.end()
})

t.test('near ties are not ties', (t) => {
  const b = 10n ** 27n
  t.equal(signOf(sumOf([1n, b + 1n], [-1n, b])), 1)
  t.equal(signOf(sumOf([1n, b], [-1n, b + 1n])), -1)
  // Two voters with 3 tokens for, one with 9 against: floors say 2 to 3, 2√3 = 3.46 says for.
  t.equal(signOf(sumOf([2n, 3n], [-1n, 9n])), 1)
  // √(n−1) + √(n+1) < 2√n by about n^(−3/2)/4: for n = 2^255 that is 2^(−385).
  const n = 2n ** 255n + 1n
  t.equal(signOf(sumOf([1n, n - 1n], [1n, n + 1n], [-2n, n])), -1)
  // √(2b²) + √(8b²) = √(18b²), and one more under the last root.
  t.equal(signOf(sumOf([1n, 2n * b * b], [1n, 8n * b * b], [-1n, 18n * b * b + 1n])), -1)
  t.end()
})

t.test('signs agree with brute force on small radicands, where ties are common', (t) => {
  const term = fc.tuple(fc.bigInt(-4n, 4n), fc.bigInt(0n, 80n), fc.bigInt(1n, 4n))
  fc.assert(
    fc.property(fc.array(term, { maxLength: 9 }), (terms: readonly Term[]) => {
      // Two expressions of so few small roots that differ at all differ long before the 600th bit.
      return signOf(sumOf(...terms)) === slowSign(terms, 600n)
    }),
    { seed: 5, numRuns: 400 },
  )
  t.end()
})

t.test('signs agree with brute force on huge radicands and on ties made of them', (t) => {
  const term = fc.tuple(fc.bigInt(-9n, 9n), fc.bigInt(1n, 2n ** 256n), fc.constant(1n))
  fc.assert(
    fc.property(
      fc.array(term, { minLength: 1, maxLength: 5 }),
      fc.bigInt(1n, 2n ** 40n),
      fc.nat(2),
      (terms, k, near) => {
        const turned = terms.map(([n, r, d]): Term => [-n, r * k * k, d * k])
        const last: Term = [BigInt(near - 1), 1n, 2n ** 70n]
        const all = [...terms, ...turned, last]
        return signOf(sumOf(...all)) === near - 1 && slowSign(all, 900n) === near - 1
      },
    ),
    { seed: 6, numRuns: 60 },
  )
  t.end()
})

t.test('squares of sums are compared exactly', (t) => {
  const one = sumOf([1n, 1n])
  const a = sumOf([1n, 2n], [1n, 3n]) // (√2 + √3)² = 5 + √24
  const b = sumOf([1n, 5n], [1n, 1n]) // (√5 + 1)² = 6 + √20
  t.equal(
    signOfSquares([
      [1n, a],
      [-1n, sumOf([1n, 5n])],
    ]),
    1,
  ) // 5 + √24 − 5
  t.equal(
    signOfSquares([
      [1n, a],
      [-1n, a],
    ]),
    0,
  )
  t.equal(
    signOfSquares([
      [4n, sumOf([1n, 5n])],
      [-1n, sumOf([2n, 5n])],
    ]),
    0,
  )
  // Two on one side: 3·1² + 4·1² = 7 = (√7)².
  t.equal(
    signOfSquares([
      [3n, one],
      [4n, one],
      [-1n, sumOf([1n, 7n])],
    ]),
    0,
  )
  // 5 + √24 + 1 against 6 + √20
  t.equal(
    signOfSquares([
      [1n, a],
      [1n, one],
      [-1n, b],
    ]),
    1,
  )
  // (√8 + √2)² = (3√2)² = 18 = 9 + 9
  t.equal(
    signOfSquares([
      [1n, sumOf([1n, 8n], [1n, 2n])],
      [-1n, sumOf([3n, 1n])],
      [-1n, sumOf([1n, 9n])],
    ]),
    0,
  )
  t.equal(signOfSquares([]), 0)
  t.equal(
    signOfSquares([
      [0n, a],
      [5n, new RootSum()],
    ]),
    0,
  )
  t.end()
})

t.test('a comparison that would take too many products is refused, not guessed', (t) => {
  const many = (factor: bigint): RootSum => {
    const sum = new RootSum()
    for (let i = 0n; i < 1100n; i++) sum.add(1n, (10n ** 20n + 7919n * i) * factor * factor)
    return sum
  }
  // R² + (2R)² = 5·R²: a true tie of three sums with 1,100 classes.
  const parts = [
    [1n, many(1n)],
    [1n, many(2n)],
    [-5n, many(1n)],
  ] as const
  t.throws(() => signOfSquares(parts), { code: 'DAO_COUNT_TOO_HARD' })
  t.end()
})

t.test('sums are put in order', (t) => {
  // √10 + √11 and √5 + √18 differ by 0.0002: the closest pair of pairs up to 20 (O'Rourke 1981).
  t.equal(compareSums(sumOf([1n, 10n], [1n, 11n]), sumOf([1n, 5n], [1n, 18n])), 1)
  t.equal(compareSums(sumOf([1n, 5n], [1n, 18n]), sumOf([1n, 10n], [1n, 11n])), -1)
  t.equal(compareSums(sumOf([2n, 12n]), sumOf([4n, 3n])), 0)
  t.end()
})
