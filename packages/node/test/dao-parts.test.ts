import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { silentLog as log, systemClock as clock, type LogFields } from '@x0t/core'
import { createGenesis, createMemberRotate, createVerifier, openRecordStore, recordIdOf } from '@x0t/dao'
import { openOrbitStore, type OrbitNetwork } from '@x0t/orbit'
import { TestDao, testMember } from '../../dao/test/support/test-dao.ts'
import { daoApi } from '../src/dao/dao-api.ts'
import { startDaoService, type DaoService } from '../src/dao/dao-service.ts'
import type { ExecutionTargets } from '../src/dao/execution/ports.ts'
import { createKeyBook } from '../src/dao/key-book.ts'
import { startRecordFeed } from '../src/dao/record-feed.ts'
import { createMetrics } from '../src/metrics.ts'
import { until } from './loopback-nodes.ts'

t.setTimeout(120_000)

const nobody: OrbitNetwork = {
  neighbours: () => [],
  open: async () => {
    throw new Error('nobody is there')
  },
  answer: async () => ({ [Symbol.asyncDispose]: async () => {} }),
}

function nothingToChange(folder: string): ExecutionTargets {
  return {
    policy: undefined,
    settings: {
      decide() {},
      valueOf: () => ({ value: '', origin: 'default', proposal: null }),
    },
    bans: { isBanned: () => false, authority: undefined, authorities: () => [] },
    keys: { inUse: () => [], isMaking: () => false, renew: () => false },
    artifactsDirectory: `${folder}/artifacts`,
    decisionsFile: `${folder}/decisions.json`,
  }
}

function serviceAt(folder: string, emitted: [string, LogFields | undefined][] = []): DaoService {
  const member = testMember(1)
  return startDaoService({
    self: member.id,
    identity: member.identity,
    storeFile: `${folder}/dao.sqlite`,
    carrierFile: `${folder}/orbit.sqlite`,
    network: nobody,
    targets: nothingToChange(folder),
    emit: (event, fields) => void emitted.push([event, fields]),
    metrics: createMetrics(),
    clock,
    log,
    times: { lookMs: 20, feedDelayMs: 20, witnessTimeoutMs: 50 },
  })
}

t.test('keys that a member has or had make a record good, no others, and nobody a stranger', async (t) => {
  const dao = new TestDao(['9', '4'])
  const [alice, bob] = dao.members as [(typeof dao.members)[0], (typeof dao.members)[0]]
  await using verifier = createVerifier({ threads: 0 })
  const [genesis] = dao.records
  const book = createKeyBook(genesis!.id, verifier)
  const before = dao.sign(alice, 'delegate', { to: bob.id })
  t.same(await book.verify([before]), ['unknown'], 'nobody is known before the genesis')
  t.ok(book.learn(genesis!.record))
  t.notOk(book.learn(genesis!.record), 'no news the second time')
  const next = testMember(1, 1)
  const rotation = dao.put(alice, createMemberRotate(dao.state(), alice.id, next.identity))
  dao.useKeys(alice, next.identity)
  const after = dao.sign(alice, 'delegate', { to: null })
  const stranger = dao.sign(testMember(99), 'delegate', { to: alice.id })
  t.same(await book.verify([before, rotation, after, stranger]), ['good', 'good', 'doubtful', 'unknown'])
  t.ok(book.learn(rotation.record))
  t.same(await book.verify([before, after]), ['good', 'good'])
  t.equal(book.keysOf(alice.id).length, 2)
  t.same(book.keysOf(testMember(99).id), [])
})

t.test('what one of store and carrier has the other gets, but for the genesis', async (t) => {
  const dao = new TestDao(['9', '4'])
  const [alice] = dao.members
  await using verifier = createVerifier({ threads: 0 })
  const [genesis] = dao.records
  const book = createKeyBook(genesis!.id, verifier)
  book.learn(genesis!.record)
  const { hybridSign } = await import('@x0t/keys')
  await using store = await openRecordStore(':memory:')
  await using carrier = await openOrbitStore({
    dao: dao.dao,
    path: ':memory:',
    network: nobody,
    check: book,
    writer: { member: alice!.id, sign: (bytes, context) => hybridSign(alice!.identity, bytes, context) },
  })
  const one = dao.sign(alice!, 'delegate', { to: null })
  const two = dao.sign(alice!, 'delegate', { to: null })
  await store.put(genesis!)
  await store.put(one)
  await carrier.put(two)
  await using feed = startRecordFeed({
    store,
    carrier,
    dao: dao.dao,
    isWriter: true,
    delayMs: 0,
    clock,
    log,
    counters: createMetrics(),
  })
  await feed.compare()
  await until('both have both', async () => (await carrier.has(one.id)) && (await store.has(two.id)))
  const three = dao.sign(alice!, 'delegate', { to: null })
  await store.put(three)
  await until('what comes later goes over too', () => carrier.has(three.id))
  t.notOk(await carrier.has(genesis!.id))
})

t.test('a home gets its DAO while the node runs, and is followed once it holds a genesis', async (t) => {
  const folder = t.testdir()
  const emitted: [string, LogFields | undefined][] = []
  await using service = serviceAt(folder, emitted)
  const api = daoApi(() => service)
  t.same(api.daoStatus(), { dao: null, problem: null })
  await t.rejects(api.daoExecute({ proposal: 'x' }), { code: 'DAO_NOT_HERE' })
  await using store = await openRecordStore(`${folder}/dao.sqlite`)
  await service.look()
  t.equal(service.running(), undefined, 'a file without a genesis is no DAO yet')
  const dao = new TestDao(['9', '4'])
  await store.put(dao.records[0]!)
  await until('it is followed', () => service.running() !== undefined)
  t.match(api.daoStatus(), { dao: { id: dao.dao, member: dao.members[0]!.id, members: 2 }, problem: null })
  t.equal(emitted[0]?.[0], 'dao.open')
  await t.rejects(api.daoExecute({ proposal: 'x' }), { code: 'DAO_RECORD_ID_INVALID' })
})

t.test('two geneses in a home, or a file that is none, are told once and block nothing', async (t) => {
  const folder = t.testdir()
  const dao = new TestDao(['9', '4'])
  const { body } = createGenesis(
    (dao.records[0]!.record.body as { constitution: Parameters<typeof createGenesis>[0] }).constitution,
    (dao.records[0]!.record.body as { members: Parameters<typeof createGenesis>[1] }).members,
  )
  const rival = dao.sign(dao.members[0]!, 'genesis', body, { at: { seq: 0, prev: null } })
  const emitted: [string, LogFields | undefined][] = []
  {
    await using store = await openRecordStore(`${folder}/dao.sqlite`)
    await store.put(dao.records[0]!)
    await store.put(rival)
  }
  await using service = serviceAt(folder, emitted)
  await service.look()
  await service.look()
  t.match(service.problem(), { code: 'DAO_GENESIS_AMBIGUOUS' })
  t.match(daoApi(() => service).daoStatus(), { dao: null, problem: { code: 'DAO_GENESIS_AMBIGUOUS' } })
  t.equal(emitted.filter(([event]) => event === 'dao.failed').length, 1)
  const other = `${folder}/other`
  mkdirSync(other)
  writeFileSync(`${other}/dao.sqlite`, 'no database at all, but long enough to be taken for one'.repeat(40))
  await using second = serviceAt(other)
  await second.look()
  t.match(second.problem(), { code: 'DAO_STORE_DAMAGED' })
})

t.test('a carrier file of another DAO stops the carrying, not the following', async (t) => {
  const folder = t.testdir()
  const dao = new TestDao(['9', '4'])
  await using verifier = createVerifier({ threads: 0 })
  const foreign = await openOrbitStore({
    dao: recordIdOf(Buffer.from('another')),
    path: `${folder}/orbit.sqlite`,
    network: nobody,
    check: createKeyBook(dao.dao, verifier),
  })
  await foreign[Symbol.asyncDispose]()
  await using store = await openRecordStore(`${folder}/dao.sqlite`)
  await store.put(dao.records[0]!)
  const emitted: [string, LogFields | undefined][] = []
  await using service = serviceAt(folder, emitted)
  await service.look()
  t.equal(service.running()?.dao, dao.dao)
  t.equal(service.running()?.carrier(), undefined)
  t.match(emitted[0], ['dao.failed', { code: 'ORBIT_OTHER_DAO' }])
})
