import { createIdentity } from '@x0t/keys'
import fc from 'fast-check'
import t from 'tap'
import { encode } from '@ipld/dag-cbor'
import {
  contextOf,
  decodeRecord,
  decodeSigned,
  encodeSigned,
  maxRecordBytes,
  signRecord,
  verifyRecord,
} from '@x0t/dao'

const identity = createIdentity(new Uint8Array(32).fill(7))
const keys = { ed25519: identity.ed25519.publicRaw, mldsa65: identity.mldsa65.publicRaw }
const other = createIdentity(new Uint8Array(32).fill(8))
const dao = 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
const parse = (text: string) => text as never

const vote = signRecord(
  identity,
  {
    dao: parse(dao),
    author: identity.nodeId,
    lane: `vote:${dao}`,
    seq: 0,
    prev: null,
    atMs: 1_700_000_000_000,
  },
  'vote',
  { proposal: parse(dao), ballot: { kind: 'single', choice: 1 } },
)

t.test('a signed record comes back from its envelope byte for byte', (t) => {
  const envelope = encodeSigned(vote)
  const back = decodeSigned(envelope)
  t.same(back, vote)
  t.same(encodeSigned(back), envelope)
  t.ok(verifyRecord(back, keys))
  t.end()
})

t.test('a signature holds under its own keys, bytes and kind only', (t) => {
  t.notOk(verifyRecord(vote, { ...keys, ed25519: other.ed25519.publicRaw }), 'another Ed25519 key')
  t.notOk(verifyRecord(vote, { ...keys, mldsa65: other.mldsa65.publicRaw }), 'another ML-DSA-65 key')
  const veto = { ...vote.record, kind: 'veto' } as never
  t.notOk(verifyRecord({ ...vote, record: veto }, keys), 'another context')
  t.equal(contextOf('vote'), 'x0t/dao/vote/v1')
  const swapped = new Uint8Array([...vote.signature.subarray(3309), ...vote.signature.subarray(0, 3309)])
  t.notOk(verifyRecord({ ...vote, signature: swapped }, keys), 'Ed25519 before ML-DSA-65')
  for (const at of [0, 3308, 3309, 3372]) {
    const signature = new Uint8Array(vote.signature)
    signature[at]! ^= 1
    t.notOk(verifyRecord({ ...vote, signature }, keys), `one bit at ${at}`)
  }
  t.end()
})

t.test('a record of a wrong form is refused before it is signed', (t) => {
  const head = { ...vote.record, lane: 'member' as const }
  const sign = (ballot: unknown, more: object = {}) =>
    signRecord(identity, { ...vote.record, ...more }, 'vote', {
      proposal: parse(dao),
      ballot: ballot as never,
    })
  t.throws(() => signRecord(identity, head, 'vote', vote.record.body as never), {
    code: 'DAO_RECORD_MALFORMED',
  })
  for (const ballot of [
    { kind: 'single', choice: -1 },
    { kind: 'single', choice: 0.5 },
    { kind: 'single', choice: 0, weight: '100' },
    { kind: 'credits', votes: [[0, '1e3']] },
    { kind: 'shares', shares: [[0, '-1']] },
    { kind: 'ranking', ranking: [1, 1] },
    { kind: 'approval', choices: [1, 0] },
    undefined,
  ])
    t.throws(() => sign(ballot), { code: 'DAO_RECORD_MALFORMED' }, JSON.stringify(ballot))
  for (const more of [
    { seq: 1 },
    { prev: dao },
    { dao: null },
    { author: 'me' },
    { atMs: -1 },
    { seq: 2 ** 60 },
  ])
    t.throws(
      () => sign({ kind: 'single', choice: 0 }, more),
      { code: 'DAO_RECORD_MALFORMED' },
      JSON.stringify(more),
    )
  t.end()
})

t.test('a record of an unknown kind, or too large for its kind, is refused', (t) => {
  const refused = (value: unknown, code: string) =>
    t.throws(() => decodeRecord(new Uint8Array(encode(value))), { code })
  const { v, author, atMs } = vote.record
  const head = { v, dao, author, lane: 'member', seq: 0, prev: null, atMs }
  refused({ ...head, kind: 'coup', body: {} }, 'DAO_RECORD_MALFORMED')
  refused({ ...head, kind: 7, body: {} }, 'DAO_RECORD_MALFORMED')
  refused(null, 'DAO_RECORD_MALFORMED')
  refused([], 'DAO_RECORD_MALFORMED')
  refused({ ...head, kind: 'veto', body: { proposal: dao, reason: '' }, more: 1 }, 'DAO_RECORD_MALFORMED')
  refused({ ...head, v: 2, kind: 'veto', body: { proposal: dao, reason: '' } }, 'DAO_RECORD_MALFORMED')
  refused('x'.repeat(600_000), 'DAO_RECORD_TOO_LARGE')
  // Within the bounds of each field, above those of the whole.
  const votes = Array.from({ length: 256 }, (_, choice) => [choice, `-${'9'.repeat(39)}`])
  const large = { proposal: dao, ballot: { kind: 'credits', votes } }
  t.ok(encode(large).length < maxRecordBytes.vote, 'the largest ballot fits')
  t.end()
})

t.test('a text that would fake what a terminal shows is refused', (t) => {
  for (const reason of ['\u001b[31mred', 'two\nlines', '\u202egnp.exe', 'x'.repeat(513)]) {
    t.throws(
      () =>
        signRecord(identity, { ...vote.record, lane: 'member' }, 'veto', { proposal: parse(dao), reason }),
      { code: 'DAO_RECORD_MALFORMED' },
    )
  }
  t.end()
})

t.test('any bytes at all are either refused by name or a record that encodes to the same bytes', (t) => {
  const envelope = encodeSigned(vote)
  const judge = (bytes: Uint8Array): void => {
    try {
      const signed = decodeSigned(bytes)
      if (Buffer.compare(encodeSigned(signed), bytes) !== 0) throw new Error('two forms of one record')
    } catch (error) {
      const code = (error as { code?: string }).code
      if (code !== 'DAO_RECORD_MALFORMED' && code !== 'DAO_RECORD_TOO_LARGE') throw error
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), judge), { seed: 1, numRuns: 300 })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(envelope.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      (changes) => {
        const bytes = new Uint8Array(envelope)
        for (const [at, value] of changes) bytes[at] = value
        judge(bytes)
      },
    ),
    { seed: 2, numRuns: 300 },
  )
  for (let length = 0; length < 400; length++) judge(envelope.subarray(0, length))
  t.end()
})

t.test('an envelope of other lengths, lists or sizes is refused', (t) => {
  const refused = { code: 'DAO_RECORD_MALFORMED' }
  t.throws(() => decodeSigned(encodeSigned({ ...vote, signature: vote.signature.subarray(1) })), refused)
  t.throws(() => decodeSigned(Uint8Array.of(0x80)), refused, 'an empty list')
  t.throws(() => decodeSigned(Uint8Array.of(0x82, 1, 2)), refused, 'two numbers')
  t.throws(() => decodeSigned(new Uint8Array([...encodeSigned(vote), 0])), refused, 'a byte behind the end')
  t.throws(() => decodeSigned(new Uint8Array(600_000)), { code: 'DAO_RECORD_TOO_LARGE' })
  const artifact = { digest: '0'.repeat(64), index: 0, of: 1, bytes: new Uint8Array(65_537) }
  const head = { ...vote.record, lane: `artifact:${artifact.digest}` as const }
  t.throws(() => signRecord(identity, head, 'artifact', artifact), refused)
  t.throws(() => signRecord(identity, head, 'artifact', { ...artifact, bytes: new Uint8Array(70_000) }), {
    code: 'DAO_RECORD_MALFORMED',
  })
  t.end()
})
