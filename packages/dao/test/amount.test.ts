import fc from 'fast-check'
import t from 'tap'
import { amountLimit, amountOf, parseAmount } from '../src/index.ts'

t.test('amounts from 0 to 2^256 − 1 are read as they are written', (t) => {
  for (const text of ['0', '1', '25', (2n ** 256n - 1n).toString()]) {
    t.equal(amountOf(parseAmount(text, 'a')), text)
  }
  fc.assert(
    fc.property(fc.bigInt(0n, amountLimit - 1n), (n) => parseAmount(n.toString(), 'a') === n),
    { seed: 1 },
  )
  t.end()
})

t.test('whatever is not plain digits below 2^256 is refused', (t) => {
  const bad = [
    '',
    '-1',
    '+1',
    '01',
    '1.0',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '1_000',
    '١',
    (2n ** 256n).toString(),
    '9'.repeat(78),
  ]
  for (const text of [...bad, '1'.repeat(1_000_000), 1, 1n, null, undefined, ['1'], {}]) {
    t.throws(() => parseAmount(text, 'the balance'), { code: 'DAO_AMOUNT_INVALID' })
  }
  t.throws(() => amountOf(-1n), RangeError)
  t.throws(() => amountOf(amountLimit), RangeError)
  t.end()
})

t.test('0 is refused where at least 1 is needed, with a code of its own', (t) => {
  t.equal(parseAmount('0', 'a'), 0n)
  t.throws(() => parseAmount('0', 'a', { allowsZero: false }), { code: 'DAO_AMOUNT_ZERO' })
  t.end()
})
