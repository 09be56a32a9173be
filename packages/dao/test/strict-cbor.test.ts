import t from 'tap'
import { decodeStrict, encodeStrict } from '../src/strict-cbor.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

t.test('a value has one encoding, and that is read', (t) => {
  // RFC 8949, appendix A.
  for (const [bytes, value] of [
    ['00', 0],
    ['1818', 24],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['3903e7', -1000],
    ['f4', false],
    ['f6', null],
    ['6449455446', 'IETF'],
    ['4401020304', Uint8Array.of(1, 2, 3, 4)],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
  ] as const) {
    t.same(decodeStrict(hex(bytes)), value)
    t.same(encodeStrict(value), hex(bytes))
  }
  t.end()
})

t.test('every other form of the same value is refused', (t) => {
  for (const [bytes, why] of [
    ['1817', 'a longer form of 23'],
    ['1900ff', 'a longer form of 255'],
    ['f97c00', 'a float'],
    ['fb3ff0000000000000', 'a float that is whole'],
    ['f7', 'undefined'],
    ['e0', 'a simple value'],
    ['9fff', 'an open-ended list'],
    ['c100', 'a tag'],
    ['d82a4500015512 20', 'a link'],
    ['a2616201616102', 'keys out of order'],
    ['a2616101616102', 'a key twice'],
    ['0000', 'bytes behind the end'],
    ['8201', 'a list that ends early'],
    ['61', 'a text that ends early'],
    ['19ff', 'a number that ends early'],
    ['1c', 'a reserved length'],
    ['1b0020000000000000', '2^53'],
    ['9bffffffffffffffff', 'a list of 2^64'],
    ['bb00000000ffffffff', 'a map of 2^32'],
    ['5b00ffffffffffffff', 'bytes of 2^56'],
    ['62c328', 'a text that is no UTF-8'],
    ['', 'nothing'],
  ] as const)
    t.throws(() => decodeStrict(hex(bytes)), Error, why)
  t.end()
})

t.test('a deep nesting is refused before it is built', (t) => {
  const deep = (levels: number): Uint8Array => new Uint8Array([...Array<number>(levels).fill(0x81), 0])
  t.ok(decodeStrict(deep(12)))
  t.throws(() => decodeStrict(deep(13)), /nested deeper/)
  t.throws(() => decodeStrict(deep(100_000)), /nested deeper/)
  t.end()
})
