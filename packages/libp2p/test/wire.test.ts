import fc from 'fast-check'
import t from 'tap'
import { closeReasons, codeOfReason, reasonOfCode, reasonOfError } from '../src/close-reason.ts'
import { encodeEnrolRecord, EnrolRecordReader } from '../src/enrol-record.ts'
import { encodeFrame, FrameDecoder, maxPayloadBytes, type Channel, type Frame } from '../src/frame.ts'
import { SendQueue } from '../src/send-queue.ts'

const seed = 20_261_122
const frameArbitrary = fc.record({
  channel: fc.constantFrom<Channel[]>(0, 1, 2, 3, 4),
  payload: fc.uint8Array({ maxLength: 600 }),
})

/** Cuts bytes at the given places, which wrap round. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

t.test('frames come out of the decoder as they went in, however the stream is cut', async () => {
  fc.assert(
    fc.property(
      fc.array(frameArbitrary, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }),
      (frames, sizes) => {
        const decoder = new FrameDecoder()
        const wire = Buffer.concat(frames.map(({ channel, payload }) => encodeFrame(channel, payload)))
        const out: Frame[] = cut(wire, sizes).flatMap((chunk) => decoder.push(chunk))
        return (
          out.length === frames.length &&
          out.every(
            ({ channel, payload }, i) =>
              channel === frames[i]?.channel && Buffer.compare(payload, frames[i].payload) === 0,
          )
        )
      },
    ),
    { seed },
  )
})

t.test('any bytes make the decoder give frames within the bounds or FRAME_INVALID', async () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (chunks) => {
      const decoder = new FrameDecoder()
      try {
        return chunks
          .flatMap((chunk) => decoder.push(chunk))
          .every(({ channel, payload }) => channel <= 4 && payload.length <= maxPayloadBytes)
      } catch (error) {
        return error instanceof Error && 'code' in error && error.code === 'FRAME_INVALID'
      }
    }),
    { seed, numRuns: 500 },
  )
})

t.test('a payload beyond 65 KiB is a bug of the sender and an offence of the peer', async (t) => {
  t.throws(() => encodeFrame(1, new Uint8Array(maxPayloadBytes + 1)), RangeError)
  // 65 KiB is 0x10400: one byte more.
  t.throws(() => new FrameDecoder().push(Uint8Array.of(0, 1, 4, 1, 1)), { code: 'FRAME_INVALID' })
  t.same(new FrameDecoder().push(Uint8Array.of(0, 1, 4, 0, 1)), [])
})

t.test('an enrolment record survives any cutting, and nothing may follow it', async (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 900 }),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
      (record, sizes) => {
        const reader = new EnrolRecordReader()
        const results = cut(encodeEnrolRecord(record), sizes).map((chunk) => reader.push(chunk))
        const last = results.pop()
        return (
          last !== undefined && Buffer.compare(last, record) === 0 && results.every((r) => r === undefined)
        )
      },
    ),
    { seed },
  )
  t.throws(() => new EnrolRecordReader().push(Uint8Array.of(0, 0, 0, 1, 9, 9)), { code: 'ENROL_TOO_LARGE' })
  t.throws(() => new EnrolRecordReader().push(Uint8Array.of(0, 1, 0, 1)), { code: 'ENROL_TOO_LARGE' })
  t.throws(() => encodeEnrolRecord(new Uint8Array(65_537)), { code: 'ENROL_TOO_LARGE' })
})

/** A stream that takes `room` batches, and the channels of the frames that it got. */
function fakeStream(): { room: number; sent: number[][]; send: (bytes: Uint8Array) => boolean } {
  return {
    room: 0,
    sent: [],
    send(bytes) {
      this.sent.push(new FrameDecoder().push(bytes).map(({ channel }) => channel))
      return --this.room > 0
    },
  }
}

t.test('frames of one turn leave as one batch, the urgent ones first', async (t) => {
  const stream = fakeStream()
  stream.room = 9
  const queue = new SendQueue(stream, { queueBytes: 1e6, carrierQueueBytes: 1e6 }, () => {})
  for (const channel of [3, 2, 1, 0, 4] as const) queue.push(channel, new Uint8Array(10))
  t.same(stream.sent, [])
  await Promise.resolve()
  t.same(stream.sent, [[1, 0, 4, 2, 3]])
  for (let i = 0; i < 3; i++) queue.push(1, new Uint8Array(30_000))
  queue.push(3, new Uint8Array(10))
  queue.flush()
  t.same(
    stream.sent.slice(1),
    [
      [1, 1],
      [1, 3],
    ],
    'a batch has up to 64 KiB, and nothing overtakes',
  )
  t.equal(queue.bytes, 0)
})

t.test('a congested queue drops carrier frames first', async (t) => {
  const stream = fakeStream()
  // A frame of 95 bytes payload takes 100 bytes.
  const queue = new SendQueue(stream, { queueBytes: 400, carrierQueueBytes: 200 }, () => {})
  const payload = new Uint8Array(95)
  queue.push(3, payload)
  queue.flush()
  t.match(queue.push(3, payload), { taken: true })
  t.match(queue.push(3, payload), { taken: true })
  t.match(queue.push(3, payload), { taken: false, dropped: 0 }, 'the carrier has 200 bytes')
  t.match(queue.push(2, payload), { taken: true })
  t.match(queue.push(1, payload), { taken: true, dropped: 0 })
  t.equal(queue.bytes, 400)
  t.match(queue.push(0, payload), { taken: true, dropped: 1 }, 'a carrier frame makes way')
  t.match(queue.push(1, payload), { taken: true, dropped: 1 })
  t.match(queue.push(1, payload), { taken: false, dropped: 0 }, 'nothing is left that could make way')
  stream.room = 1
  queue.drain()
  t.same(stream.sent, [[3], [1, 0, 1, 2]])
  t.equal(queue.bytes, 0)
})

t.test('a stream that throws ends its queue', async (t) => {
  let failures = 0
  const broken = {
    send(): boolean {
      throw new Error('closed')
    },
  }
  const queue = new SendQueue(broken, { queueBytes: 400, carrierQueueBytes: 200 }, () => failures++)
  queue.push(1, new Uint8Array(1))
  queue.flush()
  t.equal(failures, 1)
})

t.test('reasons have stable codes and unknown codes mean other', async (t) => {
  for (const reason of closeReasons) t.equal(reasonOfCode(codeOfReason(reason)), reason)
  t.equal(codeOfReason('accepted'), 0)
  t.equal(codeOfReason('banned'), 3)
  t.equal(reasonOfCode(255), 'other')
})

t.test('codes of identity and OpenSSL are told apart', async (t) => {
  const reason = (code: string): string => reasonOfError(Object.assign(new Error(code), { code }), 'other')
  t.equal(reason('SVID_BANNED'), 'banned')
  t.equal(reason('SVID_EXPIRED'), 'expired')
  t.equal(reason('AUTHORITY_NOT_YET_VALID'), 'not-yet-valid')
  t.equal(reason('SVID_WRONG_TRUST_DOMAIN'), 'other-trust-domain')
  t.equal(reason('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), 'old-tls')
  t.equal(reason('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'), 'refused-by-peer')
  t.equal(reason('ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED'), 'expired')
  t.equal(reason('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), 'other-trust-domain')
  t.equal(reasonOfError('no error at all', 'identity-invalid'), 'identity-invalid')
})
