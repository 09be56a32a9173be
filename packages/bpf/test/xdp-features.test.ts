import fc from 'fast-check'
import t from 'tap'
import { askXdpFeatures, decodeAnswer, encodeRequest, type GenericAnswer } from '../src/xdp-features.ts'
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

t.test('a kernel that does not tell is not known to send nor not to', (t) => {
  const noSuch: GenericAnswer = { error: -2, attributes: new Map() }
  t.equal(
    askXdpFeatures(4, () => noSuch),
    undefined,
    'no such family',
  )
  const family = { error: 0, attributes: new Map([[1, Uint8Array.of(0x1c, 0)]]) }
  const answering = (second: GenericAnswer) => {
    const answers = [family, second]
    const asked: string[] = []
    const features = askXdpFeatures(4, (request) => {
      asked.push(Buffer.from(request).toString('hex'))
      return answers.shift()!
    })
    return { asked, features }
  }
  t.equal(answering({ error: -19, attributes: new Map() }).features, undefined, 'no such interface')
  const told = (bits: number) => ({
    error: 0,
    attributes: new Map([[3, Uint8Array.of(bits, 0, 0, 0, 0, 0, 0, 0)]]),
  })
  t.strictSame(answering(told(0)).features, { native: false, transmits: false })
  t.strictSame(answering(told(3)).features, { native: true, transmits: false })
  t.strictSame(answering(told(7)).features, { native: true, transmits: true })
  t.match(answering(told(7)).asked, [/^200000001000.*6e65746465760000$/, /^1c0000001c00.*0800010004000000$/])
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
