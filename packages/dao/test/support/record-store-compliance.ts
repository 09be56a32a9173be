import type { Test } from 'tap'
import type { OwnRecordStore, RecordStore, SignedRecord, StoreLimits } from '@x0t/dao'
import { ballotRecord, chainOf, identityNamed, sampleProposal, signNext } from './sample-records.ts'

export interface RecordStoreCompliance<Store extends RecordStore> {
  /** A new store, empty, with these limits. */
  readonly open: (t: Test, limits: StoreLimits) => Promise<Store>
  /** The same store again after it was disposed of; absent where nothing outlives the store. */
  readonly reopen?: (t: Test, store: Store) => Promise<Store>
}

const limits: StoreLimits = { maxRecordBytes: 65_536, maxRecordsPerAuthor: 8, maxBytesPerAuthor: 1_000_000 }
const nodeLane = `node:${sampleProposal}` as const
const alice = identityNamed('alice')
const bob = identityNamed('bob')
const [first, second, third] = chainOf(alice, 3) as [SignedRecord, SignedRecord, SignedRecord]

/** What every store of records does alike. A store gets no record before it is open, and each once. */
export function testRecordStore<Store extends RecordStore>(
  t: Test,
  { open, reopen }: RecordStoreCompliance<Store>,
): void {
  t.test('a new store holds nothing', async (t) => {
    await using store = await open(t, limits)
    t.same(await idsIn(store), [])
    t.equal(await store.has(first.id), false)
    t.equal(await store.get(first.id), undefined)
  })

  t.test('a record that was put is there, byte by byte, and new only once', async (t) => {
    await using store = await open(t, limits)
    t.equal(await store.put(second), true)
    t.equal(await store.put(first), true)
    t.equal(await store.put(second), false)
    t.equal(await store.has(first.id), true)
    const found = await store.get(second.id)
    t.ok(found)
    t.equal(found!.id, second.id)
    t.ok(Buffer.from(second.bytes).equals(found!.bytes))
    t.ok(Buffer.from(second.signature).equals(found!.signature))
    t.same(found!.record, second.record)
    t.same(await idsIn(store), [first.id, second.id].toSorted())
  })

  t.test('of many puts of one record at the same time, one is new', async (t) => {
    await using store = await open(t, limits)
    const news = await Promise.all(Array.from({ length: 5 }, async () => await store.put(first)))
    t.equal(news.filter(Boolean).length, 1)
    t.same(await idsIn(store), [first.id])
  })

  t.test('two records of one place are both kept: they are the proof', async (t) => {
    await using store = await open(t, limits)
    const rival = ballotRecord(alice, { seq: 0, prev: null, choice: 1 })
    await store.put(first)
    await store.put(rival)
    t.same(await idsIn(store), [first.id, rival.id].toSorted())
  })

  t.test('a listener hears of what comes after it asked, once, until it ends it', async (t) => {
    await using store = await open(t, limits)
    await store.put(first)
    const heard: string[] = []
    const gate = Promise.withResolvers<void>()
    const stop = store.onRecord(({ id }) => {
      heard.push(id)
      gate.resolve()
    })
    await store.put(first)
    await store.put(second)
    await gate.promise
    t.same(heard, [second.id])
    stop()
    stop()
    await store.put(third)
    t.same(heard, [second.id])
  })

  t.test('a record above the limit is refused with DAO_RECORD_TOO_LARGE', async (t) => {
    await using store = await open(t, { ...limits, maxRecordBytes: first.bytes.length - 1 })
    await t.rejects(store.put(first), { code: 'DAO_RECORD_TOO_LARGE' })
    t.same(await idsIn(store), [])
  })

  t.test('one author cannot fill the store: DAO_TOO_MANY_RECORDS, and others are kept', async (t) => {
    await using store = await open(t, { ...limits, maxRecordsPerAuthor: 2 })
    await store.put(first)
    await store.put(second)
    await t.rejects(store.put(third), { code: 'DAO_TOO_MANY_RECORDS' })
    t.equal(await store.put(second), false, 'what is kept already is no failure')
    const [ofBob] = chainOf(bob, 1)
    t.equal(await store.put(ofBob!), true)
  })

  t.test('a listing that is under way survives new records', async (t) => {
    await using store = await open(t, limits)
    await store.put(first)
    await store.put(second)
    const seen: string[] = []
    for await (const { id } of store.all()) {
      seen.push(id)
      await store.put(third)
    }
    t.ok(seen.includes(first.id) && seen.includes(second.id))
    t.equal(new Set(seen).size, seen.length)
  })

  if (reopen)
    t.test('records outlive the store, and closing it twice does no harm', async (t) => {
      const store = await open(t, limits)
      await store.put(first)
      await store.put(second)
      await store[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await using again = await reopen(t, store)
      t.same(await idsIn(again), [first.id, second.id].toSorted())
      t.equal(await again.put(first), false)
      t.equal(await again.put(third), true)
    })
}

/** What stores in which this machine signs do besides. */
export function testOwnRecordStore(t: Test, options: RecordStoreCompliance<OwnRecordStore>): void {
  testRecordStore(t, options)

  t.test('own records get numbers and predecessors, lane by lane', async (t) => {
    await using store = await options.open(t, limits)
    const zero = await store.append(alice.nodeId, 'member', signNext(alice, 'member'))
    const one = await store.append(alice.nodeId, 'member', signNext(alice, 'member'))
    const elsewhere = await store.append(alice.nodeId, nodeLane, signNext(alice, nodeLane))
    t.match(zero.record, { seq: 0, prev: null })
    t.match(one.record, { seq: 1, prev: zero.id })
    t.match(elsewhere.record, { seq: 0, prev: null })
    t.same(await idsIn(store), [zero.id, one.id, elsewhere.id].toSorted())
  })

  t.test('a lane goes on after records of it that came from elsewhere', async (t) => {
    await using store = await options.open(t, limits)
    for (const signed of chainOf(alice, 3)) await store.put(signed)
    const next = await store.append(alice.nodeId, first.record.lane, (seq, prev) =>
      ballotRecord(alice, { seq, prev, choice: 0 }),
    )
    t.match(next.record, { seq: 3, prev: third.id })
  })

  t.test('appends at the same time get one number each', async (t) => {
    await using store = await options.open(t, limits)
    const appended = await Promise.all(
      Array.from(
        { length: 4 },
        async () => await store.append(bob.nodeId, 'member', signNext(bob, 'member')),
      ),
    )
    t.same(
      appended.map(({ record }) => record.seq).toSorted((a, b) => a - b),
      [0, 1, 2, 3],
    )
  })

  t.test('a record signed for another place is refused and not kept', async (t) => {
    await using store = await options.open(t, limits)
    await t.rejects(
      store.append(alice.nodeId, first.record.lane, () => second),
      RangeError,
    )
    await t.rejects(store.append(alice.nodeId, 'member', signNext(alice, nodeLane)), RangeError)
    t.same(await idsIn(store), [])
  })

  t.test('a listener hears of own records too', async (t) => {
    await using store = await options.open(t, limits)
    const heard = Promise.withResolvers<SignedRecord>()
    store.onRecord(heard.resolve)
    const own = await store.append(alice.nodeId, 'member', signNext(alice, 'member'))
    t.equal((await heard.promise).id, own.id)
  })

  t.test('one author cannot fill the store with few large records either', async (t) => {
    const maxBytesPerAuthor = first.bytes.length + second.bytes.length
    await using store = await options.open(t, { ...limits, maxBytesPerAuthor })
    await store.put(first)
    await store.put(second)
    await t.rejects(store.put(third), { code: 'DAO_TOO_MANY_RECORDS' })
    const [ofBob] = chainOf(bob, 1)
    t.equal(await store.put(ofBob!), true)
  })

  t.test('own records are kept whatever the limit on what others send', async (t) => {
    await using store = await options.open(t, { ...limits, maxRecordsPerAuthor: 1 })
    await store.append(alice.nodeId, 'member', signNext(alice, 'member'))
    await store.append(alice.nodeId, 'member', signNext(alice, 'member'))
    t.equal((await idsIn(store)).length, 2)
  })
}

/** Ids of all records, sorted. */
async function idsIn(store: RecordStore): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of store.all()) ids.push(id)
  return ids.toSorted()
}
