import fc from 'fast-check'
import t from 'tap'
import { X0tError } from '@x0t/core'
import { identityNamed, sampleDao, chainOf } from '../../dao/test/support/sample-records.ts'
import { openOrbitStore, defaultLimits } from '../src/index.ts'
import { openCarrierFile } from '../src/carrier-file.ts'
import { readEntry, recordsOf } from '../src/entry-check.ts'
import {
  decodeBlock,
  decodeHeads,
  decodeRequest,
  encodeBlock,
  encodeHeads,
  encodeRequest,
} from '../src/wire.ts'
import { Members, nobody, writerOf } from './test-nodes.ts'

t.setTimeout(120_000)

const hash = 'zdpuAuK3BHpS7NvMBivynypqciYCuy2UW77XYBPUYRnLjnw13'

/** True if `read` gives something or refuses with one of these codes. */
function holdsOrRefuses(read: () => unknown, code: string): boolean {
  try {
    read()
    return true
  } catch (error) {
    return error instanceof X0tError && error.code === code
  }
}

t.test('messages come back as they were', (t) => {
  const heads = { dao: sampleDao, isAll: true, heads: [hash] }
  t.same(decodeHeads(encodeHeads(heads), 1), heads)
  const request = { dao: sampleDao, want: [hash], have: [] }
  t.same(decodeRequest(encodeRequest(request)), request)
  const block = { kind: 'entry', hash, bytes: Uint8Array.of(1, 2) } as const
  t.same(decodeBlock(encodeBlock(block)), block)
  t.end()
})

t.test('a message beyond its bounds is refused', (t) => {
  const refused = { code: 'ORBIT_MESSAGE_INVALID' }
  t.throws(() => decodeHeads(encodeHeads({ dao: sampleDao, isAll: true, heads: [hash, hash] }), 1), refused)
  const many = Array.from({ length: 17 }, () => hash)
  t.throws(() => decodeRequest(encodeRequest({ dao: sampleDao, want: many, have: [] })), refused)
  t.throws(() => decodeHeads(encodeHeads({ dao: 'NO' as never, isAll: true, heads: [] }), 1), refused)
  t.throws(() => decodeHeads(encodeHeads({ dao: sampleDao, isAll: 1 as never, heads: [] }), 1), refused)
  t.throws(() => decodeBlock(encodeBlock({ kind: 'other' as never, hash, bytes: new Uint8Array() })), refused)
  t.throws(() => decodeBlock(encodeBlock({ kind: 'entry', hash: 'x', bytes: new Uint8Array() })), refused)
  t.end()
})

t.test('no bytes make a decoder fail in another way', async (t) => {
  const valid = [
    encodeHeads({ dao: sampleDao, isAll: false, heads: [hash] }),
    encodeRequest({ dao: sampleDao, want: [hash], have: [hash] }),
    encodeBlock({ kind: 'identity', hash, bytes: Uint8Array.of(9) }),
  ]
  const changed = fc
    .tuple(fc.constantFrom(...valid), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }))
    .map(([bytes, changes]) => {
      const copy = new Uint8Array(bytes)
      for (const [at, byte] of changes) copy[at % copy.length] = byte
      return copy
    })
  const property = fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), changed), (bytes) =>
    [() => decodeHeads(bytes, 16), () => decodeRequest(bytes), () => decodeBlock(bytes)].every((read) =>
      holdsOrRefuses(read, 'ORBIT_MESSAGE_INVALID'),
    ),
  )
  fc.assert(property, { numRuns: 500 })
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await readEntry(hash, bytes, defaultLimits).then(
        () => t.fail('random bytes are an entry'),
        (error: unknown) => {
          if (!(error instanceof X0tError) || error.code !== 'ORBIT_ENTRY_INVALID') throw error
        },
      )
    }),
    { numRuns: 200 },
  )
  t.pass('they refuse by name')
})

t.test('an entry is taken in its own encoding, whole, and from its own DAO only', async (t) => {
  const alice = identityNamed('alice')
  const path = `${t.testdir()}/orbit.sqlite`
  await using store = await openOrbitStore({
    dao: sampleDao,
    path,
    network: nobody,
    check: new Members(alice),
    writer: writerOf(alice),
  })
  const chain = chainOf(alice, 3)
  await Promise.all(chain.map((record) => store.put(record)))
  using file = openCarrierFile(path, sampleDao)
  const place = file.find(chain[1]!.id)!
  const bytes = file.entry(place.entry)!
  const entry = await readEntry(place.entry, bytes, defaultLimits)
  t.same(
    recordsOf(entry, sampleDao, defaultLimits).map(({ id }) => id),
    chain.map(({ id }) => id),
    'records that are put at once share an entry',
  )
  const invalid = { code: 'ORBIT_ENTRY_INVALID' }
  t.throws(() => recordsOf(entry, chain[0]!.id, defaultLimits), invalid)
  t.throws(() => recordsOf(entry, sampleDao, { ...defaultLimits, recordsPerEntry: 2 }), invalid)
  await t.rejects(readEntry(hash, bytes, defaultLimits), invalid)
  await t.rejects(readEntry(place.entry, bytes.subarray(1), defaultLimits), invalid)
  await t.rejects(readEntry(place.entry, bytes, { ...defaultLimits, entryBytes: 100 }), invalid)
  t.throws(() => openCarrierFile(path, chain[0]!.id), { code: 'ORBIT_OTHER_DAO' })
})
