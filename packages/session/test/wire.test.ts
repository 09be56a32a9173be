import { encode } from '@ipld/dag-cbor'
import { X0tError } from '@x0t/core'
import fc from 'fast-check'
import t from 'tap'
import {
  decodeHandshakeMessage,
  encodeHandshakeMessage,
  maxMessageBytes,
  maxPayloadBytes,
  type HandshakeMessage,
} from '../src/handshake-message.ts'
import { createRecordReader } from '../src/record-reader.ts'
import { createReliableStream, type Segment } from '../src/reliable-stream.ts'
import { decodeSessionRecord, encodeSessionRecord, type SessionRecord } from '../src/session-record.ts'
import { createFakeClock } from './support/fake-clock.ts'
import { seededRandom } from './support/network.ts'

const message: fc.Arbitrary<HandshakeMessage> = fc.record({
  handshakeId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => Buffer.from(id).toString('hex')),
  sender: fc.constantFrom('initiator' as const, 'responder' as const),
  sequence: fc.nat(255),
  acknowledged: fc.nat(255),
  payload: fc.uint8Array({ minLength: 1, maxLength: 600 }),
  ended: fc.constant(false),
})

t.test('a handshake message survives encoding', (t) => {
  fc.assert(
    fc.property(message, (value) => {
      const decoded = decodeHandshakeMessage(encodeHandshakeMessage(value))
      t.same(
        { ...decoded, payload: Buffer.from(decoded.payload) },
        { ...value, payload: Buffer.from(value.payload) },
      )
    }),
    { seed: 1, numRuns: 100 },
  )
  const full = {
    handshakeId: '00'.repeat(16),
    sender: 'initiator',
    sequence: 255,
    acknowledged: 255,
    ended: false,
  } as const
  const longest = encodeHandshakeMessage({ ...full, payload: new Uint8Array(maxPayloadBytes) })
  t.ok(longest.length <= maxMessageBytes, 'the largest message keeps its limit')
  t.end()
})

t.test('whatever arrives is a message or SESSION_MESSAGE_INVALID', (t) => {
  const check = (bytes: Uint8Array): boolean =>
    onlyThrows('SESSION_MESSAGE_INVALID', () => decodeHandshakeMessage(bytes))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { seed: 2, numRuns: 2000 })
  const changed = fc.tuple(message, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
    const bytes = encodeHandshakeMessage(value)
    bytes[at % bytes.length] = byte
    return bytes
  })
  fc.assert(fc.property(changed, check), { seed: 3, numRuns: 2000 })
  t.ok(check(new Uint8Array(8000).fill(0x81)), 'arrays nested 8,000 deep')
  t.end()
})

t.test('a message with a wrong field is refused', (t) => {
  const good = { a: 0, d: 0, e: false, h: new Uint8Array(16), p: new Uint8Array(1), s: 0 }
  t.ok(decodeHandshakeMessage(encode(good)))
  const wrong = [
    { ...good, extra: 1 },
    { a: 0, d: 0, e: false, h: good.h, p: good.p },
    { ...good, a: -1 },
    { ...good, s: 256 },
    { ...good, s: 0.5 },
    { ...good, d: 2 },
    { ...good, e: true },
    { ...good, e: 0 },
    { ...good, h: new Uint8Array(15) },
    { ...good, h: 'sixteen letters.' },
    { ...good, p: 'text' },
    { ...good, p: new Uint8Array(maxPayloadBytes + 1) },
    [good],
    null,
    7,
  ]
  for (const value of wrong)
    t.throws(() => decodeHandshakeMessage(encode(value)), { code: 'SESSION_MESSAGE_INVALID' })
  t.throws(() => decodeHandshakeMessage(new Uint8Array(maxMessageBytes + 1)), {
    code: 'SESSION_MESSAGE_INVALID',
  })
  t.throws(() => decodeHandshakeMessage(Buffer.concat([encode(good), Buffer.alloc(1)])), {
    code: 'SESSION_MESSAGE_INVALID',
  })
  t.end()
})

const generation = { instance: new Uint8Array(8).fill(7), number: 3 }
const records: SessionRecord[] = [
  { kind: 'offer', spi: 256, suites: ['aes-256-gcm', 'chacha20-poly1305'] },
  { kind: 'accept', spi: 0xffff_ffff, suite: 'chacha20-poly1305', generation },
  { kind: 'accept', spi: 4711, suite: 'aes-256-gcm' },
  { kind: 'confirm', generation },
  { kind: 'confirm' },
]

t.test('session records come out of a byte stream however it is cut', (t) => {
  const bytes = Buffer.concat(records.map(encodeSessionRecord))
  for (const size of [1, 2, 7, 64, bytes.length]) {
    const reader = createRecordReader()
    const found: SessionRecord[] = []
    for (let at = 0; at < bytes.length; at += size) found.push(...reader.push(bytes.subarray(at, at + size)))
    t.same(JSON.stringify(found), JSON.stringify(records), `pieces of ${size}`)
  }
  t.throws(() => createRecordReader().push(Buffer.from([1, 1])), { code: 'SESSION_RECORD_INVALID' })
  t.end()
})

t.test('whatever a peer says inside TLS is a record or SESSION_RECORD_INVALID', (t) => {
  const check = (bytes: Uint8Array): boolean =>
    onlyThrows('SESSION_RECORD_INVALID', () => decodeSessionRecord(bytes))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), check), { seed: 4, numRuns: 1000 })
  const wrong: unknown[] = [
    { kind: 'offer', version: 2, spi: 300, suites: ['aes-256-gcm'] },
    { kind: 'offer', version: 1, spi: 255, suites: ['aes-256-gcm'] },
    { kind: 'offer', version: 1, spi: 300, suites: [] },
    { kind: 'offer', version: 1, spi: 300, suites: ['aes-256-gcm', 'aes-256-gcm'] },
    { kind: 'offer', version: 1, spi: 300, suites: ['aes-256-gcm'], more: 1 },
    { kind: 'accept', version: 1, spi: 300, suite: 'null' },
    { kind: 'accept', version: 1, spi: 300, suite: 'aes-256-gcm', generation: { ...generation, number: 0 } },
    { kind: 'accept', version: 1, spi: 300, suite: 'aes-256-gcm', generation: 1 },
    { kind: 'confirm', version: 1, generation: { number: 1 } },
    { kind: 'confirm', version: 1, spi: 300 },
    { kind: 'farewell', version: 1 },
    [1],
  ]
  for (const value of wrong)
    t.throws(() => decodeSessionRecord(encode(value)), { code: 'SESSION_RECORD_INVALID' })
  t.same(
    decodeSessionRecord(
      encode({ kind: 'offer', version: 1, spi: 300, suites: ['aegis-256', 'aes-256-gcm'] }),
    ),
    {
      kind: 'offer',
      spi: 300,
      suites: ['aes-256-gcm'],
    },
  )
  t.end()
})

t.test('a reliable stream delivers all bytes in order over any loss, repetition and order', (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed)
    const clock = createFakeClock()
    const chance = (): number => random.bytes(1)[0]! / 256
    let network: { to: 0 | 1; segment: Segment }[] = []
    const received: [Buffer[], Buffer[]] = [[], []]
    const open = (self: 0 | 1, drained: () => void) =>
      createReliableStream({
        clock,
        send(segment) {
          const copies = chance() < 0.4 ? 0 : chance() < 0.3 ? 2 : 1
          for (let i = 0; i < copies; i++) network.push({ to: self === 0 ? 1 : 0, segment })
        },
        deliver: (payload) => void received[self].push(Buffer.from(payload)),
        drained,
        ended: () => {},
      })
    let drains = 0
    const streams = [open(0, () => void drains++), open(1, () => {})] as const
    const content = Buffer.from(random.bytes(40_000))
    for (let at = 0; at < content.length; at += 10_000) streams[0].write(content.subarray(at, at + 10_000))
    streams[1].write(content.subarray(0, 20_000))
    for (let turn = 0; turn < 4000 && !(streams[0].isDrained && streams[1].isDrained); turn++) {
      const batch = network
      network = []
      batch.sort(() => chance() - 0.5)
      for (const { to, segment } of batch) streams[to].receive(segment)
      clock.advance(20)
    }
    t.ok(Buffer.concat(received[1]).equals(content), `there, seed ${seed}`)
    t.ok(Buffer.concat(received[0]).equals(content.subarray(0, 20_000)), `back, seed ${seed}`)
    t.equal(drains, 1, 'drained is told once')
  }
  t.end()
})

t.test('a reliable stream keeps its bounds', (t) => {
  const clock = createFakeClock()
  const delivered: number[] = []
  const sent: Segment[] = []
  let ends = 0
  const stream = createReliableStream({
    clock,
    send: (segment) => void sent.push(segment),
    deliver: (payload) => void delivered.push(payload.length),
    drained: () => {},
    ended: () => void ends++,
  })
  t.throws(() => stream.write(new Uint8Array(17 * maxPayloadBytes)), { code: 'SESSION_TOO_LARGE' })
  stream.receive({ sequence: 16, acknowledged: 0, payload: new Uint8Array(1), ended: false })
  for (let sequence = 0; sequence < 16; sequence++)
    stream.receive({ sequence, acknowledged: 0, payload: new Uint8Array(2), ended: false })
  t.same(delivered, Array(16).fill(2), 'a segment beyond the reorder window was not kept')
  stream.receive({ sequence: 99, acknowledged: 200, payload: new Uint8Array(0), ended: false })
  t.notOk(stream.isDrained, 'an acknowledgement of what was never sent changes nothing')
  stream.receive({ sequence: 17, acknowledged: 0, payload: new Uint8Array(0), ended: true })
  t.equal(ends, 0, 'an end that overtook the last bytes waits')
  stream.receive({ sequence: 16, acknowledged: 0, payload: new Uint8Array(0), ended: true })
  t.equal(ends, 1)
  stream.end()
  stream.end()
  t.same(sent.at(-1), { sequence: 16, acknowledged: 16, payload: new Uint8Array(0), ended: true })
  stream.close()
  const before = sent.length
  clock.advance(60_000)
  stream.write(new Uint8Array(1))
  stream.receive({ sequence: 16, acknowledged: 0, payload: new Uint8Array(1), ended: false })
  t.equal(sent.length, before, 'a closed stream is silent')
  t.end()
})

function onlyThrows(code: string, run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    return error instanceof X0tError && error.code === code
  }
}
