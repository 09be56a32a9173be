import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import fc from 'fast-check'
import t from 'tap'
import { hasCode } from '@x0t/core'
import { encodeSigned, readBundle, writeBundle, type SignedRecord } from '@x0t/dao'
import { chainOf, identityNamed } from './support/sample-records.ts'

const root = mkdtempSync(`${tmpdir()}/x0t-bundle-file-`)
t.teardown(() => rmSync(root, { recursive: true }))
const path = `${root}/a.bundle`
const chain = chainOf(identityNamed('carol'), 3)

/** How far a bundle is good: ids of its records, and the code it ends with. */
async function readAll(bytes: Uint8Array): Promise<{ ids: string[]; code: string | null; message: string }> {
  writeFileSync(path, bytes)
  const ids: string[] = []
  try {
    for await (const { id } of readBundle(path)) ids.push(id)
    return { ids, code: null, message: '' }
  } catch (error) {
    if (!hasCode(error, (error as { code: string }).code)) throw error
    return { ids, code: error.code, message: error.message }
  }
}

const whole = await (async () => {
  await writeBundle(path, chain)
  return readFileSync(path)
})()
const ids = chain.map(({ id }) => id)

t.test('a bundle has the records in their order, a mark, their number and a hash at its end', async (t) => {
  // 17 of the first line, 4 and the envelope of each record, 4 + 8 + 32 at the end.
  const sizes = chain.map(encodeSigned).map((envelope) => 4 + envelope.length)
  t.equal(whole.length, 17 + sizes.reduce((sum, size) => sum + size, 0) + 44)
  t.equal(whole.subarray(0, 17).toString(), 'x0t-dao-bundle/1\n')
  t.equal(whole.readBigUInt64BE(whole.length - 40), 3n)
  t.ok(createHash('sha256').update(whole.subarray(0, -32)).digest().equals(whole.subarray(-32)))
  t.same(await readAll(whole), { ids, code: null, message: '' })
})

t.test('the same records give the same bytes', async (t) => {
  const summary = await writeBundle(`${root}/b.bundle`, chain)
  t.same(summary, { records: 3, bytes: whole.length })
  t.ok(readFileSync(`${root}/b.bundle`).equals(whole))
})

t.test('a bundle cut anywhere is DAO_BUNDLE_TRUNCATED and gives the records before the cut', async (t) => {
  let end = 17
  const ends = chain.map(encodeSigned).map((envelope) => (end += 4 + envelope.length))
  for (const cut of [
    0,
    5,
    17,
    19,
    24,
    30,
    ends[0]!,
    ends[1]! - 1,
    ends[1]!,
    ends[2]!,
    whole.length - 33,
    whole.length - 1,
  ]) {
    const { ids: good, code, message } = await readAll(whole.subarray(0, cut))
    const expected = ends.filter((at) => at <= cut).length
    t.equal(code, 'DAO_BUNDLE_TRUNCATED', `cut at ${cut}`)
    t.same(good, ids.slice(0, expected))
    t.match(message, `ends after ${cut} bytes`)
    t.match(message, `${expected} records, ${cut < 17 ? 0 : [17, ...ends][expected]!} bytes, are good`)
  }
})

t.test('a changed byte anywhere is found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
      const changed = Buffer.from(whole)
      changed[at]! ^= mask
      const { code } = await readAll(changed)
      return code === 'DAO_BUNDLE_INVALID' || code === 'DAO_BUNDLE_TRUNCATED'
    }),
    { seed: 7, numRuns: 150 },
  )
})

t.test('any bytes are refused by code, and none makes the reader wait or grow', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (noise, withMagic) => {
      const bytes = withMagic ? Buffer.concat([whole.subarray(0, 17), noise]) : noise
      const { code } = await readAll(bytes)
      return code === 'DAO_BUNDLE_INVALID' || code === 'DAO_BUNDLE_TRUNCATED'
    }),
    { seed: 8, numRuns: 200 },
  )
})

t.test('lengths beyond the limits, a wrong count, something after the end: DAO_BUNDLE_INVALID', async (t) => {
  const header = whole.subarray(0, 17)
  const invalid: [string, Uint8Array][] = [
    ['a record of 4294967295 bytes', Buffer.concat([header, Buffer.alloc(4, 0xff)])],
    ['no record at byte 17', Buffer.concat([header, Buffer.from('0000000180', 'hex')])],
    [
      'its end names 7 records',
      Buffer.concat([header, Buffer.from('000000000000000000000007', 'hex'), Buffer.alloc(32)]),
    ],
    ['something follows its end', Buffer.concat([whole, Buffer.alloc(1)])],
  ]
  for (const [text, bytes] of invalid) {
    const { code, message } = await readAll(bytes)
    t.equal(code, 'DAO_BUNDLE_INVALID')
    t.match(message, text)
  }
})

t.test('a writing that fails leaves the file that was there and nothing else', async (t) => {
  writeFileSync(path, whole)
  const failing = async function* (): AsyncGenerator<SignedRecord> {
    yield chain[0]!
    throw new Error('the store is gone')
  }
  await t.rejects(writeBundle(path, failing()), { message: 'the store is gone' })
  t.ok(readFileSync(path).equals(whole))
  t.same(
    readdirSync(root).filter((name) => name.endsWith('.tmp')),
    [],
  )
  await t.rejects(writeBundle(`${root}/missing/x`, chain), { code: 'DAO_BUNDLE_WRITE_FAILED' })
})

t.test('a bundle that is not there is DAO_BUNDLE_NOT_FOUND', async (t) => {
  await t.rejects(readBundle(`${root}/none`).next(), { code: 'DAO_BUNDLE_NOT_FOUND' })
})
