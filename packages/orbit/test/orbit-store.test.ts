import t from 'tap'
import { testRecordStore } from '../../dao/test/support/record-store-compliance.ts'
import { identityNamed, sampleDao } from '../../dao/test/support/sample-records.ts'
import { openOrbitStore } from '../src/index.ts'
import { Members, nobody, writerOf } from './test-nodes.ts'

t.setTimeout(120_000)

const alice = identityNamed('alice')
const bob = identityNamed('bob')

t.test('the store does what every store of records does', async (t) => {
  const paths = new WeakMap<object, string>()
  const open = async (path: string, limits: { maxRecordBytes: number; maxRecordsPerAuthor: number }) => {
    const store = await openOrbitStore({
      dao: sampleDao,
      path,
      network: nobody,
      check: new Members(alice, bob),
      writer: writerOf(bob),
      limits: { recordBytes: limits.maxRecordBytes, recordsPerAuthor: limits.maxRecordsPerAuthor },
    })
    paths.set(store, path)
    return store
  }
  testRecordStore(t, {
    open: (t, limits) => open(`${t.testdir()}/orbit.sqlite`, limits),
    reopen: (_t, store) => open(paths.get(store)!, { maxRecordBytes: 65_536, maxRecordsPerAuthor: 8 }),
  })
  t.end()
})
