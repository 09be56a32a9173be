import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { recordIdOf, type RecordId, type SignedRecord } from '@x0t/dao'
import t from 'tap'
import { ballotRecord, chainOf, identityNamed } from '../../dao/test/support/sample-records.ts'
import { entriesProtocol, headsProtocol, type RecordCheck } from '../src/index.ts'
import { Members, startNode, until, type TestNode } from './test-nodes.ts'

t.setTimeout(180_000)

const alice = identityNamed('alice')
const bob = identityNamed('bob')
const mallory = identityNamed('mallory')
const signal = AbortSignal.timeout(120_000)

/** A node that takes everything for good. */
const blind = (members: Members): RecordCheck => ({
  keysOf: (member) => members.keysOf(member),
  verify: async (records) => records.map(() => 'good'),
})

function forged(record: SignedRecord): SignedRecord {
  const signature = new Uint8Array(record.signature)
  signature[100]! ^= 1
  return { ...record, signature }
}

t.test('a record with a forged signature is not taken, its carrier is muted, others are not', async (t) => {
  const members = new Members(alice, bob, mallory)
  await using a = await startNode(members, alice)
  await using m = await startNode(blind(members), mallory)
  await m.connect(a)
  const [good, bad] = chainOf(bob, 2) as [SignedRecord, SignedRecord]
  await m.store.put(good)
  await until(() => a.holds(good))
  await m.store.put(forged(bad))
  await until(() => a.events.length > 0)
  t.match(a.events, [{ kind: 'writer-muted', writer: mallory.nodeId, reason: 'entry-invalid' }])
  t.equal(a.counted.get('dao_records_refused_total entry-invalid'), 1)
  t.notOk(await a.holds(bad))
  await using b = await startNode(members, bob)
  await b.connect(a)
  await b.store.put(bad)
  await until(() => a.holds(bad))
  t.same(await a.store.get(bad.id), bad, 'the record itself is taken from whoever has it whole')
})

t.test(
  'what no known key signed is carried and not given out, and too much of it is a forgery',
  async (t) => {
    const members = new Members(alice, bob, mallory)
    const doubting: RecordCheck = {
      keysOf: (member) => members.keysOf(member),
      verify: async (records) =>
        (await members.verify(records)).map((verdict) => (verdict === 'bad' ? 'doubtful' : verdict)),
    }
    await using a = await startNode(doubting, alice, { limits: { doubtfulPerLog: 2 } })
    await using m = await startNode(blind(members), mallory)
    await m.connect(a)
    const records = chainOf(bob, 3)
    await m.store.put(forged(records[0]!))
    await m.store.put(forged(records[1]!))
    await until(() => a.store.status().waiting === 2)
    t.same(a.heard, [])
    t.equal(a.counted.get('dao_records_refused_total signature'), 2)
    await m.store.put(forged(records[2]!))
    await until(() => a.events.length > 0)
    t.match(a.events, [{ kind: 'writer-muted', writer: mallory.nodeId }])
  },
)

t.test('a record of an author that is not known waits until it is', async (t) => {
  const all = new Members(alice, bob, mallory)
  const few = new Members(alice, mallory)
  await using a = await startNode(few, alice)
  await using m = await startNode(all, mallory)
  await m.connect(a)
  const [record] = chainOf(bob, 1) as [SignedRecord]
  await m.store.put(record)
  await until(() => a.store.status().waiting === 1)
  t.notOk(await a.holds(record))
  await t.rejects(a.store.put(record), { code: 'ORBIT_RECORD_UNVERIFIED' })
  few.add(bob)
  await a.store.membersChanged()
  t.ok(await a.holds(record))
  t.same(
    a.heard.map(({ id }) => id),
    [record.id],
  )
  t.equal(a.store.status().waiting, 0)
})

t.test('an author not known yet cannot be silenced by a forgery of its record that came first', async (t) => {
  const all = new Members(alice, bob, mallory)
  const few = new Members(alice, mallory)
  await using a = await startNode(few, alice)
  await using m = await startNode(blind(all), mallory)
  await m.connect(a)
  const [record] = chainOf(bob, 1) as [SignedRecord]
  await m.store.put(forged(record))
  await until(() => a.store.status().waiting === 1)
  few.add(bob)
  await a.store.membersChanged()
  t.notOk(await a.holds(record))
  await using b = await startNode(all, bob)
  await b.connect(a)
  await b.store.put(record)
  await until(() => a.holds(record))
  t.same(await a.store.get(record.id), record)
})

t.test('the log of a stranger is not taken before it is a member', async (t) => {
  const few = new Members(alice, bob)
  await using a = await startNode(few, alice)
  const withMallory = new Members(alice, bob, mallory)
  await using m = await startNode(withMallory, mallory)
  await m.connect(a)
  const [record] = chainOf(bob, 1) as [SignedRecord]
  await m.store.put(record)
  await until(() => a.store.status().neighbours.length === 1)
  t.notOk(await a.holds(record))
  t.equal(a.store.status().logs, 1)
  few.add(mallory)
  m.store.sync()
  await until(async () => {
    await a.store.membersChanged()
    return a.holds(record)
  })
  t.pass('it is, once it is one')
})

t.test('another DAO is refused by name', async (t) => {
  const members = new Members(alice, bob)
  const other = recordIdOf(Buffer.from('another genesis'))
  await using a = await startNode(members, alice)
  await using b = await startNode(members, bob, { dao: other })
  await b.connect(a)
  await until(() => a.events.length > 0 && b.events.length > 0)
  t.same(a.events, [{ kind: 'other-dao', neighbour: b.id, dao: other }])
  t.match(a.store.status(), { neighbours: [], strangers: [{ neighbour: b.id, dao: other }] })
})

t.test('a log beyond its bound is not taken further, and the logs of others are', async (t) => {
  const members = new Members(alice, bob, mallory)
  await using a = await startNode(members, alice, { limits: { logBytes: 20_000 } })
  await using m = await startNode(members, mallory)
  await m.connect(a)
  for (const record of chainOf(mallory, 8)) await m.store.put(record)
  await until(() => a.events.length > 0)
  t.match(a.events, [{ kind: 'writer-muted', writer: mallory.nodeId, reason: 'log-full' }])
  t.ok(a.store.status().bytes <= 20_000)
  await using b = await startNode(members, bob)
  await b.connect(a)
  const [record] = chainOf(bob, 1) as [SignedRecord]
  await b.store.put(record)
  await until(() => a.holds(record))
})

t.test(
  'a neighbour that sends what is no message is muted after three, and left alone by others',
  async (t) => {
    const members = new Members(alice, bob)
    await using a = await startNode(members, alice)
    await using b = await startNode(members, bob)
    await b.connect(a)
    await until(() => a.store.status().neighbours.length === 1)
    const { streams } = b.plane.plane
    const send = async (protocol: string, bytes: Uint8Array): Promise<void> => {
      const stream: Stream = await streams.open(a.id, protocol, { signal })
      await lpStream(stream).write(bytes)
    }
    const struck = (count: number) => () =>
      (a.counted.get('dao_records_refused_total message-invalid') ?? 0) === count
    await send(headsProtocol, Buffer.from('no cbor at all'))
    await until(struck(1))
    // A map with one key, `v`: 1.
    await send(headsProtocol, Uint8Array.of(0xa1, 0x61, 0x76, 0x01))
    await until(struck(2))
    await send(entriesProtocol, Uint8Array.of(0xa0))
    await until(struck(3))
    t.same(a.events, [{ kind: 'neighbour-muted', neighbour: b.id, reason: 'message-invalid' }])
    const [record] = chainOf(bob, 1) as [SignedRecord]
    await b.store.put(record)
    b.store.sync()
    await t.rejects(
      (async () => {
        const stream = await streams.open(a.id, headsProtocol, { signal })
        await lpStream(stream).read({ signal })
      })(),
    )
    t.notOk(await a.holds(record))
  },
)

t.test('a node that is no member carries what others write and writes nothing', async (t) => {
  const members = new Members(alice, bob)
  const reader = identityNamed('reader')
  await using a = await startNode(members, alice)
  await using r = await startNode(members, reader, { isReader: true })
  await using b = await startNode(members, bob)
  await r.connect(a)
  await r.connect(b)
  const [record, next] = chainOf(alice, 2) as [SignedRecord, SignedRecord]
  await a.store.put(record)
  await until(() => b.holds(record))
  await t.rejects(r.store.put(next), { code: 'ORBIT_NO_WRITER' })
})

t.test('two records of one place both arrive: they are the proof', async (t) => {
  const members = new Members(alice, bob)
  await using a: TestNode = await startNode(members, alice)
  await using b = await startNode(members, bob)
  await b.connect(a)
  const one = ballotRecord(bob, { seq: 0, prev: null as RecordId | null, choice: 0 })
  const two = ballotRecord(bob, { seq: 0, prev: null, choice: 1 })
  await Promise.all([a.store.put(one), b.store.put(two)])
  await until(async () => (await a.holds(one, two)) && (await b.holds(one, two)))
  t.pass('on both sides')
})
