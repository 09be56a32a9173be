// Bad input: bundles that are cut off, damaged, or not of records at all; the state that comes of what is left.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { X0tError } from '@x0t/core'
import { readBundle, replay, tallyOf, writeBundle, type SignedRecord } from '@x0t/dao'
import { smallDao, wholeScores } from './small-dao.ts'

const folder = mkdtempSync(join(tmpdir(), 'x0t-bad-bundle-'))
t.teardown(() => rmSync(folder, { recursive: true }))
/** Many files and random cuts: slow on a busy machine. */
t.setTimeout(240_000)
let files = 0

const dao = smallDao({ anna: '9', ben: '16' })
const proposal = dao.propose('anna')
dao.vote('anna', proposal, 0)
dao.vote('ben', proposal, 1)
const path = join(folder, 'whole')
await writeBundle(path, dao.records)
const whole = readFileSync(path)

async function read(bytes: Uint8Array): Promise<{ records: readonly SignedRecord[]; code: string | null }> {
  const file = join(folder, `${files++}`)
  writeFileSync(file, bytes)
  const records: SignedRecord[] = []
  try {
    for await (const record of readBundle(file)) records.push(record)
    return { records, code: null }
  } catch (error) {
    if (!(error instanceof X0tError)) throw error
    return { records, code: error.code }
  } finally {
    rmSync(file)
  }
}

t.test('whole, it tells what it told', async (t) => {
  const { records, code } = await read(whole)
  t.equal(code, null)
  t.same(wholeScores(tallyOf(replay(records).proposals.get(proposal)!).scores), ['3', '4', '0'])
})

t.test('a bundle that is cut off is DAO_BUNDLE_TRUNCATED, wherever the cut is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
      const { records, code } = await read(whole.subarray(0, length))
      return code === 'DAO_BUNDLE_TRUNCATED' && records.length <= dao.records.length
    }),
    { numRuns: 100 },
  )
})

t.test('what is good of a bundle that was cut off is a state of its own, never a wrong one', async (t) => {
  for (const share of [0.2, 0.5, 0.8, 0.95]) {
    const { records } = await read(whole.subarray(0, Math.floor(whole.length * share)))
    if (records.length === 0) continue
    const view = replay(records).proposals.get(proposal)
    const scores = view === undefined ? [] : wholeScores(tallyOf(view).scores)
    t.ok(
      scores.every((score, at) => Number(score) <= [3, 4, 0][at]!),
      `${records.length} records: ${scores.join()}`,
    )
  }
})

t.test('one changed bit anywhere is found: DAO_BUNDLE_INVALID or DAO_BUNDLE_TRUNCATED', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length * 8 - 1 }), async (bit) => {
      const bytes = Uint8Array.from(whole)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const { code } = await read(bytes)
      return code === 'DAO_BUNDLE_INVALID' || code === 'DAO_BUNDLE_TRUNCATED'
    }),
    { numRuns: 150 },
  )
})

t.test('random bytes, and random bytes behind the right first line, are no bundle', async () => {
  const magic = whole.subarray(0, whole.indexOf(0x0a) + 1)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (junk, isBehind) => {
      const { records, code } = await read(isBehind ? Buffer.concat([magic, junk]) : junk)
      return records.length === 0 && (code === 'DAO_BUNDLE_INVALID' || code === 'DAO_BUNDLE_TRUNCATED')
    }),
    { numRuns: 100 },
  )
})

t.test('a length of four gigabytes is refused before anything is read for it', async (t) => {
  const magic = whole.subarray(0, whole.indexOf(0x0a) + 1)
  const { code } = await read(Buffer.concat([magic, Buffer.from('ffffffff', 'hex'), Buffer.alloc(100)]))
  t.equal(code, 'DAO_BUNDLE_INVALID')
})

t.test(
  'bundles of two DAOs are never merged: DAO_GENESIS_AMBIGUOUS; without a genesis DAO_GENESIS_MISSING',
  (t) => {
    const other = smallDao({ carl: '9' })
    t.throws(() => replay([...dao.records, ...other.records]), { code: 'DAO_GENESIS_AMBIGUOUS' })
    t.throws(() => replay(dao.records.slice(1)), { code: 'DAO_GENESIS_MISSING' })
    t.end()
  },
)
