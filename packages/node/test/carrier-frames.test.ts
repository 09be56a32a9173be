import fc from 'fast-check'
import t from 'tap'
import { cutCarrierFrames } from '../src/carrier-frames.ts'

const prefixed = (datagram: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.of(datagram.length >> 8, datagram.length & 0xff), datagram])

t.test('bursts are cut between datagrams, into pieces that fit, and nothing is lost', async (t) => {
  const datagrams = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 40 })
  fc.assert(
    fc.property(datagrams, fc.integer({ min: 302, max: 2000 }), (list, maxBytes) => {
      const whole = Buffer.concat(list.map(prefixed))
      const pieces = [...cutCarrierFrames(whole, maxBytes)]
      const cut = new Set([0])
      for (let at = 0; at < whole.length; at += 2 + whole.readUInt16BE(at)) cut.add(at)
      let at = 0
      return (
        Buffer.concat(pieces).equals(whole) &&
        pieces.every((piece) => {
          const begins = cut.has(at)
          at += piece.length
          return begins && piece.length <= maxBytes && piece.length > 0
        })
      )
    }),
    { seed: 8 },
  )
  // The largest unit at the smallest path: 56 fragments with their headers are longer than one frame.
  const unit = Buffer.concat(Array.from({ length: 56 }, () => prefixed(new Uint8Array(1232))))
  t.strictSame(
    [...cutCarrierFrames(unit)].map(({ length }) => length),
    [53 * 1234, 3 * 1234],
  )
  t.strictSame([...cutCarrierFrames(Uint8Array.of(0, 9, 1))], [], 'an unfinished datagram is left out')
})
