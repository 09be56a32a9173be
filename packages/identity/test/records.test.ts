import fc from 'fast-check'
import t from 'tap'
import { bytesOfNodeId, type NodeId } from '@x0t/core'
import {
  createAuthority,
  createBanList,
  createBanRecord,
  createMemberRecord,
  createTrustBundle,
  decodeTrustBundle,
  encodeTrustBundle,
  issueSvid,
  maxMemberRecordBytes,
  svidSubjectOf,
  verifyBanRecord,
  verifyMemberRecord,
  type BanRecord,
} from '@x0t/identity'
import { z } from 'zod'
import { decodeRecord, encodeRecord } from '../src/record.ts'
import { clockAt, hourMs, identityOf, nowMs, seededRandom } from './certificate-maker.ts'

const random = seededRandom('records')
const clock = clockAt(nowMs)
const home = createAuthority({ meshName: 'home', random, clock })
const [alice, bob] = [identityOf('alice'), identityOf('bob')]
const nobody = () => false
const envelopeOf = (record: Uint8Array) =>
  decodeRecord(
    record,
    z.strictObject({ body: z.instanceof(Uint8Array), signature: z.instanceof(Uint8Array) }),
    {
      name: 'envelope',
    },
  )

function ban(serial: number, lifted = false, nodeId: NodeId = alice.nodeId, reason = ''): BanRecord {
  return createBanRecord(home, { nodeId, serial, lifted, reason, clock })
}

function memberRecord(identity = alice, name = 'kitchen', authority = home): Uint8Array<ArrayBuffer> {
  const svid = issueSvid(authority, { ...svidSubjectOf(identity), ttlMs: hourMs, clock, random })
  return createMemberRecord(identity, { chainDer: svid.chainDer, name, clock })
}

t.test('a ban that the authority signed holds for every member', (t) => {
  const made = ban(7, false, alice.nodeId, 'stolen laptop')
  const read = verifyBanRecord(made.record, home.bundle)
  t.same(read, made)
  t.match(read, {
    nodeId: alice.nodeId,
    serial: 7,
    lifted: false,
    bannedAtMs: nowMs,
    reason: 'stolen laptop',
  })
  t.throws(() => ban(1, false, alice.nodeId, 'r'.repeat(257)), RangeError)
  for (const serial of [-1, 1.5, NaN]) t.throws(() => ban(serial), RangeError)
  t.end()
})

t.test('a ban that no authority of the mesh signed does not', (t) => {
  const rogue = createAuthority({ meshName: 'home', random, clock })
  const away = createAuthority({ meshName: 'away', random, clock })
  const by = (authority: typeof home) =>
    createBanRecord(authority, { nodeId: alice.nodeId, serial: 1, clock }).record
  t.throws(() => verifyBanRecord(by(rogue), home.bundle), {
    code: 'BAN_INVALID',
    message: /not in the bundle/,
  })
  t.throws(() => verifyBanRecord(by(away), home.bundle), { code: 'BAN_INVALID', message: /mesh away/ })
  const { body } = envelopeOf(ban(1).record)
  const { signature } = envelopeOf(ban(2).record)
  t.throws(() => verifyBanRecord(encodeRecord({ body, signature }), home.bundle), { message: /signature/ })
  const both = createTrustBundle('home.x0t', [rogue.certificateDer, home.certificateDer])
  t.equal(verifyBanRecord(by(rogue), both).serial, 1, 'with both in the bundle, both count')
  t.end()
})

t.test('the highest serial of a node holds, in whatever order the records came', (t) => {
  const records = [ban(1), ban(2, true), ban(3), ban(4, true), ban(5, false, bob.nodeId)]
  fc.assert(
    fc.property(fc.shuffledSubarray(records, { minLength: records.length }), (order) => {
      const bans = createBanList(home.bundle)
      for (const record of order) bans.merge(record)
      return !bans.isBanned(alice.nodeId) && bans.isBanned(bob.nodeId) && bans.nextSerial() === 6
    }),
    { seed: 45 },
  )
  const bans = createBanList(home.bundle)
  t.equal(bans.nextSerial(), 1)
  t.equal(bans.merge(records[2]!), true)
  t.equal(bans.merge(records[2]!), false, 'known')
  t.equal(bans.merge(records[1]!), false, 'older')
  t.equal(bans.isBanned(alice.nodeId), true)
  t.equal(bans.find(alice.nodeId), records[2])
  t.equal(bans.merge(records[3]!), true)
  t.equal(bans.isBanned(alice.nodeId), false)
  t.same(bans.list(), [records[3]])
  t.end()
})

t.test('of two records with one serial the ban counts, so that members agree', (t) => {
  const [banned, lifted] = [ban(1), ban(1, true)]
  const other = ban(1, false, alice.nodeId, 'another reason')
  for (const order of [
    [banned, lifted, other],
    [lifted, other, banned],
    [other, banned, lifted],
  ]) {
    const bans = createBanList(home.bundle)
    for (const record of order) bans.merge(record)
    t.equal(bans.isBanned(alice.nodeId), true)
    const expected = Buffer.compare(banned.record, other.record) > 0 ? banned : other
    t.equal(bans.find(alice.nodeId), expected)
  }
  t.end()
})

t.test('a member record proves SVID and name', (t) => {
  const record = memberRecord()
  const member = verifyMemberRecord(record, home.bundle, { nowMs, isBanned: nobody })
  t.match(member, { nodeId: alice.nodeId, name: 'kitchen', madeAtMs: nowMs, notAfterMs: nowMs + hourMs })
  t.same(member.record, record)
  t.same(member.ed25519PublicRaw, alice.ed25519.publicRaw)
  t.ok(record.length < 9600, `${record.length} bytes`)
  t.throws(() => memberRecord(alice, 'no name!'))
  t.end()
})

t.test('a member record of another node, another name, or a banned or ended SVID is refused', (t) => {
  const verify = (bytes: Uint8Array, isBanned: (id: NodeId) => boolean = nobody, at = nowMs) =>
    verifyMemberRecord(bytes, home.bundle, { nowMs: at, isBanned })
  const { body } = envelopeOf(memberRecord())
  const { signature } = envelopeOf(memberRecord(bob))
  t.throws(() => verify(encodeRecord({ body, signature })), { code: 'MEMBER_INVALID' })
  const renamed = envelopeOf(memberRecord(alice, 'cellar'))
  t.throws(() => verify(encodeRecord({ body, signature: renamed.signature })), { code: 'MEMBER_INVALID' })
  t.throws(() => verify(memberRecord(), (id) => id === alice.nodeId), { code: 'SVID_BANNED' })
  t.throws(() => verify(memberRecord(), nobody, nowMs + 2 * hourMs), { code: 'SVID_EXPIRED' })
  const away = createAuthority({ meshName: 'away', random, clock })
  t.throws(() => verify(memberRecord(alice, 'x', away)), { code: 'SVID_WRONG_AUTHORITY' })
  t.throws(() => verify(new Uint8Array(maxMemberRecordBytes + 1)), { code: 'RECORD_MALFORMED' })
  t.end()
})

t.test('records have one encoding: what dag-cbor would write otherwise is refused', (t) => {
  const schema = z.strictObject({ a: z.number() })
  const read = (hex: string) => decodeRecord(Buffer.from(hex, 'hex'), schema, { name: 'sample' })
  t.same(read('a1616105'), { a: 5 })
  const bad = {
    a161611805: 'a longer integer than needed',
    a16161fb4014000000000000: 'an integer as float',
    bf616105ff: 'indefinite length',
    a2616105616105: 'a key twice',
    a161610500: 'bytes behind',
    a2616105616206: 'a field too many',
    a161610: 'half a byte less',
    '': 'nothing',
  }
  for (const [hex, why] of Object.entries(bad)) t.throws(() => read(hex), { code: 'RECORD_MALFORMED' }, why)
  t.end()
})

t.test('whatever bytes arrive, every decoder reads them or refuses with a code', (t) => {
  const decoders = {
    ban: (bytes: Uint8Array) => verifyBanRecord(bytes, home.bundle),
    member: (bytes: Uint8Array) => verifyMemberRecord(bytes, home.bundle, { nowMs, isBanned: nobody }),
    bundle: (bytes: Uint8Array) => decodeTrustBundle(bytes),
  }
  const samples = { ban: ban(1).record, member: memberRecord(), bundle: encodeTrustBundle(home.bundle) }
  for (const name of ['ban', 'member', 'bundle'] as const) {
    const sample = samples[name]
    const mutated = fc
      .array(fc.tuple(fc.nat({ max: sample.length - 1 }), fc.nat({ max: 255 })), {
        minLength: 1,
        maxLength: 5,
      })
      .map((changes) => {
        const bytes = new Uint8Array(sample)
        for (const [at, value] of changes) bytes[at % 2 === 0 ? at : at % 120] = value
        return bytes
      })
    const cut = fc.nat({ max: sample.length - 1 }).map((length) => sample.slice(0, length))
    fc.assert(
      fc.property(fc.oneof(mutated, cut, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          decoders[name](bytes)
          return Buffer.compare(bytes, sample) === 0 || name === 'bundle' // its signature proves nothing to a bundle
        } catch (error) {
          return error instanceof Error && 'code' in error && /^[A-Z_]+$/.test(String(error.code))
        }
      }),
      { seed: 46, numRuns: 150 },
    )
  }
  t.equal(bytesOfNodeId(alice.nodeId).length, 32)
  t.end()
})
