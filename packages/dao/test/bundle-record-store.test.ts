import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { openBundleStore, readBundle, writeBundle, type RecordStore } from '@x0t/dao'
import { testRecordStore } from './support/record-store-compliance.ts'
import { chainOf, identityNamed } from './support/sample-records.ts'

const root = mkdtempSync(`${tmpdir()}/x0t-bundle-`)
t.teardown(() => rmSync(root, { recursive: true }))
let files = 0
const newPath = (): string => `${root}/${files++}.bundle`
const paths = new WeakMap<RecordStore, string>()

t.test('a bundle as a store', async (t) => {
  testRecordStore(t, {
    async open(_t, limits) {
      const path = newPath()
      const store = await openBundleStore(path, limits)
      paths.set(store, path)
      return store
    },
    reopen: async (_t, store) => await openBundleStore(paths.get(store)!),
  })
})

t.test('until the store is closed the file is as it was, and nothing lies beside it after', async (t) => {
  const path = newPath()
  const [first, second] = chainOf(identityNamed('carol'), 2)
  await writeBundle(path, [first!])
  const before = readFileSync(path)
  {
    await using store = await openBundleStore(path)
    await store.put(second!)
    t.ok(readFileSync(path).equals(before))
  }
  t.same(await idsOf(path), [first!.id, second!.id])
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same(
    readdirSync(root).filter((name) => name.endsWith('.tmp')),
    [],
  )
})

t.test('a store that took nothing leaves the file as it is', async (t) => {
  const path = newPath()
  await writeBundle(path, chainOf(identityNamed('carol'), 1))
  const { ino } = statSync(path)
  await (await openBundleStore(path))[Symbol.asyncDispose]()
  t.equal(statSync(path).ino, ino)
})

t.test('a bundle that is not whole opens as no store and stays as it is', async (t) => {
  const path = newPath()
  const { bytes } = await writeBundle(path, chainOf(identityNamed('carol'), 2))
  truncateSync(path, bytes - 1)
  await t.rejects(openBundleStore(path), { code: 'DAO_BUNDLE_TRUNCATED' })
  t.equal(statSync(path).size, bytes - 1)
  t.same(
    readdirSync(root).filter((name) => name.endsWith('.tmp')),
    [],
  )
})

t.test('a path that cannot be written or read is told by code', async (t) => {
  await t.rejects(openBundleStore(`${root}/missing/x.bundle`), { code: 'DAO_BUNDLE_WRITE_FAILED' })
  t.equal(existsSync(`${root}/missing`), false)
  await t.rejects(openBundleStore(root), { code: 'DAO_BUNDLE_INVALID' })
  const path = newPath()
  writeFileSync(path, 'x0t-dao-bundle/2\n')
  await t.rejects(openBundleStore(path), { code: 'DAO_BUNDLE_INVALID' })
})

async function idsOf(path: string): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of readBundle(path)) ids.push(id)
  return ids
}
