import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { openRecordStore, type OwnRecordStore, type RecordStore, type SignedRecord } from '@x0t/dao'
import { testOwnRecordStore } from './support/record-store-compliance.ts'
import { ballotRecord, chainOf, identityNamed, signNext } from './support/sample-records.ts'

const root = mkdtempSync(`${tmpdir()}/x0t-dao-store-`)
t.teardown(() => rmSync(root, { recursive: true }))
let files = 0
const newPath = (): string => `${root}/${files++}.sqlite`
const paths = new WeakMap<RecordStore, string>()
const dave = identityNamed('dave')

// A store that waits for records of others keeps no process alive; these tests want to hear the end.
const awake = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(awake))

t.test('a file of SQLite as a store', async (t) => {
  testOwnRecordStore(t, {
    async open(_t, limits) {
      const path = newPath()
      const store = await openRecordStore(path, { limits })
      paths.set(store, path)
      return store
    },
    reopen: async (_t, store) => await openRecordStore(paths.get(store)!),
  })
})

t.test('the file and its log are readable by the owner only, whatever the umask', async (t) => {
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  const path = newPath()
  await using store = await openRecordStore(path)
  await store.put(chainOf(dave, 1)[0]!)
  for (const file of [path, `${path}-wal`]) t.equal(statSync(file).mode & 0o777, 0o600)
})

t.test('a listener hears of what another opening of the file put', async (t) => {
  const path = newPath()
  await using here = await openRecordStore(path, { pollMs: 1 })
  await using there = await openRecordStore(path)
  const chain = chainOf(dave, 3)
  const heard: string[] = []
  const gate = Promise.withResolvers<void>()
  const stop = here.onRecord(({ id }) => {
    heard.push(id)
    if (heard.length === 3) gate.resolve()
  })
  await there.put(chain[0]!)
  await here.put(chain[1]!)
  await there.put(chain[2]!)
  await gate.promise
  stop()
  t.same(heard.toSorted(), chain.map(({ id }) => id).toSorted())
})

t.test('of two openings that append to one lane, none uses the number of the other', async (t) => {
  const path = newPath()
  await using here = await openRecordStore(path)
  await using there = await openRecordStore(path)
  const seqs: number[] = []
  for (const store of [here, there, there, here])
    seqs.push((await store.append(dave.nodeId, 'member', signNext(dave, 'member'))).record.seq)
  t.same(seqs, [0, 1, 2, 3])
})

t.test(
  'processes that append at once share one chain, and one that is killed loses nothing it was told of',
  async (t) => {
    const path = newPath()
    await (await openRecordStore(path))[Symbol.asyncDispose]()
    const writers = [1, 2].map(() =>
      spawn(process.execPath, [`${import.meta.dirname}/support/append-forever.ts`, path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
    const told: string[] = []
    await Promise.all(
      writers.map(async (writer) => {
        let count = 0
        for await (const chunk of writer.stdout) {
          // A line that was cut is no promise.
          const lines = String(chunk)
            .split('\n')
            .filter((line) => line.length === 59)
          told.push(...lines)
          count += lines.length
          if (count >= 5) writer.kill('SIGKILL')
        }
        if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit')
      }),
    )
    await using store = await openRecordStore(path)
    const records: SignedRecord[] = []
    for await (const signed of store.all()) records.push(signed)
    const byId = new Set<string>(records.map(({ id }) => id))
    t.ok(told.length >= 10)
    t.ok(told.every((id) => byId.has(id)))
    const chain = records.toSorted((a, b) => a.record.seq - b.record.seq)
    t.same(
      chain.map(({ record }) => record.seq),
      chain.map((_, at) => at),
      'each number once',
    )
    t.same(
      chain.map(({ record }) => record.prev),
      [null, ...chain.slice(0, -1).map(({ id }) => id)],
    )
  },
)

t.test('a file that is no database, or whose records were changed, is DAO_STORE_DAMAGED', async (t) => {
  const noise = newPath()
  writeFileSync(noise, Buffer.alloc(8192, 'x'))
  await t.rejects(openRecordStore(noise), { code: 'DAO_STORE_DAMAGED', hint: /x0t dao import/ })

  const changed = await storeWith(chainOf(dave, 2))
  const database = new DatabaseSync(changed)
  database.exec("UPDATE records SET envelope = x'80' WHERE num = 2")
  database.exec("UPDATE records SET id = 'x' WHERE num = 1")
  database.close()
  await using store = await openRecordStore(changed)
  await t.rejects(store.get(chainOf(dave, 2)[1]!.id), {
    code: 'DAO_STORE_DAMAGED',
    message: /not a list of two/,
  })
  await t.rejects(store.all()[Symbol.asyncIterator]().next(), {
    code: 'DAO_STORE_DAMAGED',
    message: /kept as record x/,
  })
})

t.test('pages that were overwritten are DAO_STORE_DAMAGED when they are read', async (t) => {
  const path = await storeWith(chainOf(dave, 12))
  const bytes = readFileSync(path)
  bytes.fill(0xa5, 4096)
  writeFileSync(path, bytes)
  await t.rejects(
    (async () => {
      await using store = await openRecordStore(path)
      await store.all()[Symbol.asyncIterator]().next()
    })(),
    { code: 'DAO_STORE_DAMAGED' },
  )
})

t.test('a file of a later version is DAO_STORE_NEWER, a folder or a link DAO_STORE_FAILED', async (t) => {
  const path = await storeWith([])
  const database = new DatabaseSync(path)
  database.exec('PRAGMA user_version = 2')
  database.close()
  await t.rejects(openRecordStore(path), { code: 'DAO_STORE_NEWER' })
  await t.rejects(openRecordStore(root), { code: 'DAO_STORE_FAILED' })
  symlinkSync(`${root}/elsewhere`, `${root}/link`)
  await t.rejects(openRecordStore(`${root}/link`), { code: 'DAO_STORE_FAILED' })
  t.notOk(existsSync(`${root}/elsewhere`))
})

t.test('puts that wait together fail together where the file cannot be written', async (t) => {
  const path = await storeWith([])
  await using store = await openRecordStore(path)
  const database = new DatabaseSync(path)
  database.exec(`CREATE TRIGGER full BEFORE INSERT ON records BEGIN SELECT raise(ABORT, 'no space'); END`)
  const settled = await Promise.allSettled(chainOf(dave, 2).map(async (signed) => await store.put(signed)))
  t.match(settled, [{ reason: { code: 'DAO_STORE_FAILED' } }, { reason: { code: 'DAO_STORE_FAILED' } }])
  database.exec('DROP TRIGGER full')
  database.close()
  t.equal(await store.put(ballotRecord(dave, { seq: 0, prev: null, choice: 0 })), true)
})

t.test('a put that nobody waited for is kept when the store is closed', async (t) => {
  const path = newPath()
  const store = await openRecordStore(path)
  const put = store.put(chainOf(dave, 1)[0]!)
  await store[Symbol.asyncDispose]()
  t.equal(await put, true)
  await using again = await openRecordStore(path)
  t.equal(await again.has(chainOf(dave, 1)[0]!.id), true)
})

t.test('a record that cannot be read while nobody waits is told to the log', async (t) => {
  const path = newPath()
  const gate = Promise.withResolvers<string>()
  const log = { debug() {}, info() {}, warn: (event: string) => gate.resolve(event), error() {} }
  await using store: OwnRecordStore = await openRecordStore(path, { pollMs: 1, log })
  store.onRecord(() => {})
  const database = new DatabaseSync(path)
  database.exec(
    "INSERT INTO records (id, author, lane, seq, bytes, envelope) VALUES ('x', 'y', 'member', 0, 1, x'80')",
  )
  database.close()
  t.equal(await gate.promise, 'dao-records-unreadable')
})

async function storeWith(records: readonly SignedRecord[]): Promise<string> {
  const path = newPath()
  const store = await openRecordStore(path)
  await Promise.all(records.map(async (signed) => await store.put(signed)))
  await store[Symbol.asyncDispose]()
  chmodSync(path, 0o600)
  return path
}
