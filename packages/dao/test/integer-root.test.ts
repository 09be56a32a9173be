import fc from 'fast-check'
import t from 'tap'
import { integerRoot, isSquare } from '../src/index.ts'
import { squareRoot } from '../src/exact/integer-root.ts'

const isRootOf = (root: bigint, n: bigint): boolean => root * root <= n && (root + 1n) * (root + 1n) > n

t.test('the root is the largest whole number whose square is not above', (t) => {
  for (let n = 0n; n < 2000n; n++) if (!isRootOf(integerRoot(n), n)) t.fail(`root of ${n}`)
  // One below, at, and above squares: where Math.sqrt goes wrong, at 2^26 + 1 (n = r² − 1, 4.5·10^15), and at the ends.
  for (const r of [
    2n ** 26n + 1n,
    2n ** 32n,
    10n ** 13n,
    2n ** 127n + 1n,
    2n ** 128n - 1n,
    2n ** 128n,
    2n ** 300n + 7n,
  ]) {
    t.equal(integerRoot(r * r - 1n), r - 1n)
    t.equal(integerRoot(r * r), r)
    t.equal(integerRoot(r * r + 2n * r), r)
  }
  for (let bits = 1n; bits <= 1100n; bits += 1n) {
    for (const n of [2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n]) {
      if (!isRootOf(integerRoot(n), n)) t.fail(`root near 2^${bits}`)
    }
  }
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 1200n), (n) => isRootOf(integerRoot(n), n)),
    { seed: 3 },
  )
  t.throws(() => integerRoot(-1n), RangeError)
  t.end()
})

t.test('squares are told from their neighbours', (t) => {
  fc.assert(
    fc.property(fc.bigInt(2n, 2n ** 300n), (r) => {
      return squareRoot(r * r) === r && !isSquare(r * r - 1n) && !isSquare(r * r + 1n)
    }),
    { seed: 4 },
  )
  t.same([0n, 1n, 2n, 3n, 4n, -4n].map(isSquare), [true, true, false, false, true, false])
  t.end()
})
