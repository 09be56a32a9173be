import fc from 'fast-check'
import t from 'tap'
import { parseFraction, parseShare } from '../src/index.ts'
import { gcd, inProportion } from '../src/exact/fraction.ts'
import { decimalOf } from '../src/exact/decimal.ts'

t.test('fractions from 0/1 to 1/1 are read in the terms they are written in', (t) => {
  t.same(parseFraction('1/2', 'f'), { numerator: 1n, denominator: 2n })
  t.same(parseFraction('334/1000', 'f'), { numerator: 334n, denominator: 1000n })
  t.same(parseFraction('0/7', 'f'), { numerator: 0n, denominator: 7n })
  for (const bad of [
    '1',
    '0.5',
    '1/0',
    '3/2',
    '-1/2',
    '1/-2',
    '01/2',
    '1/2/3',
    ' 1/2',
    '1e1/20',
    `1/${'9'.repeat(19)}`,
    0.5,
    null,
  ]) {
    t.throws(() => parseFraction(bad, 'f'), { code: 'DAO_FRACTION_INVALID' }, String(bad))
  }
  t.end()
})

t.test('shares are decimals of up to 18 digits on each side of the point', (t) => {
  t.same(parseShare('0.25', 's'), { numerator: 25n, denominator: 100n })
  t.same(parseShare('3', 's'), { numerator: 3n, denominator: 1n })
  t.same(parseShare('0', 's'), { numerator: 0n, denominator: 1n })
  for (const bad of [
    '',
    '.5',
    '5.',
    '-1',
    '1e3',
    '00.5',
    '1/2',
    'NaN',
    '1'.repeat(19),
    `0.${'1'.repeat(19)}`,
    1,
    null,
  ]) {
    t.throws(() => parseShare(bad, 's'), { code: 'DAO_SHARE_INVALID' }, String(bad))
  }
  t.end()
})

t.test('shares become whole numbers in the same proportion without a common divisor', (t) => {
  const whole = (...texts: string[]): readonly bigint[] =>
    inProportion(texts.map((text) => parseShare(text, 's')))
  t.same(whole('0.2', '0.8'), [1n, 4n])
  t.same(whole('50', '50'), [1n, 1n])
  t.same(whole('0.1', '0', '1'), [1n, 0n, 10n])
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(999), fc.nat(99)), { minLength: 1, maxLength: 5 }), (parts) => {
      const texts = parts.map(([a, b]) => `${a}.${String(b).padStart(2, '0')}`)
      const hundredths = parts.map(([a, b]) => BigInt(a * 100 + b))
      if (hundredths.every((n) => n === 0n)) return true
      const divisor = hundredths.reduce(gcd)
      return whole(...texts).every((n, i) => n === hundredths[i]! / divisor)
    }),
    { seed: 2 },
  )
  t.end()
})

t.test('decimals are written with all their places', (t) => {
  t.equal(decimalOf(7500n, 3), '7.500')
  t.equal(decimalOf(5n, 3), '0.005')
  t.equal(decimalOf(-5n, 1), '-0.5')
  t.equal(decimalOf(0n, 2), '0.00')
  t.equal(decimalOf(42n, 0), '42')
  t.end()
})
