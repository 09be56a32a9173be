import fc from 'fast-check'
import t from 'tap'
import { decodeAnswer, encodeRequest } from '../src/xdp-features.ts'
import { testInUniverse } from './support/universe.ts'

testInUniverse('xdp-features')

t.test('a request is one message of generic netlink with one attribute', (t) => {
  // <linux/netlink.h>, <linux/genetlink.h>: length, type, flags (request), sequence, port, command, version; attribute.
  t.equal(
    Buffer.from(encodeRequest(0x1c, 1, 2, Uint8Array.of(7, 8, 9))).toString('hex'),
    ['1c000000', '1c00', '0100', '00000000', '00000000', '01010000', '0700', '0200', '07080900'].join(''),
  )
  t.end()
})

t.test('an answer has attributes, or an error', (t) => {
  const error = new Uint8Array(36)
  error.set([36, 0, 0, 0, 2])
  new DataView(error.buffer).setInt32(16, -19, true)
  t.strictSame(decodeAnswer(error), { error: -19, attributes: new Map() })
  const answer = encodeRequest(28, 1, 3, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
  t.strictSame(decodeAnswer(answer).attributes, new Map([[3, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)]]))
  t.strictSame(decodeAnswer(answer.subarray(0, -1)).attributes.size, 0, 'cut off')
  t.end()
})

t.test('whatever comes as an answer is read within its bounds', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { attributes } = decodeAnswer(bytes)
      return [...attributes.values()].every(({ length }) => length <= bytes.length)
    }),
    { seed: 21, numRuns: 500 },
  )
})
