// Bad input: junk from one member by the million. It fills its own share and nothing else.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { hasCode } from '@x0t/core'
import {
  createReplay,
  decodeSigned,
  defaultStoreLimits,
  encodeRecord,
  encodeSigned,
  openRecordStore,
  recordIdOf,
  tallyOf,
  type MemberId,
  type RecordId,
  type SignedRecord,
} from '@x0t/dao'
import { opensMs, smallDao, wholeScores, type SmallDao } from './small-dao.ts'

t.setTimeout(240_000)

/** Ballots in form, all different, without a good signature: made by the thousand in no time. */
function* junkOf(
  dao: SmallDao,
  author: MemberId,
  {
    proposal,
    count,
    seqOf,
  }: { readonly proposal: RecordId; readonly count: number; readonly seqOf: (at: number) => number },
): Generator<SignedRecord> {
  for (let at = 0; at < count; at++) {
    const seq = seqOf(at)
    const prev = seq === 0 ? null : recordIdOf(Buffer.from(`before ${at}`))
    const head = { dao: dao.dao, author, lane: `vote:${proposal}` as const, seq, prev, atMs: opensMs + at }
    const { bytes, record } = encodeRecord(head, 'vote', {
      proposal,
      ballot: { kind: 'single', choice: at % 3 },
    })
    yield { id: recordIdOf(bytes), record, bytes, signature: new Uint8Array(3373) }
  }
}

t.test('a store keeps no more of one member than its share, and everything of the others', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'x0t-junk-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const dao = smallDao({ anna: '9', mallory: '16' })
  const proposal = dao.propose('anna')
  const path = join(folder, 'dao.sqlite')
  const limits = { ...defaultStoreLimits, maxRecordsPerAuthor: 100 }
  await using store = await openRecordStore(path, { limits })
  const put = async (count: number): Promise<{ kept: number; refused: number }> => {
    const junk = [...junkOf(dao, dao.id('mallory'), { proposal, count, seqOf: (at) => at })]
    const results = await Promise.allSettled(junk.map((record) => store.put(record)))
    const refused = results.filter(
      (one) => one.status === 'rejected' && hasCode(one.reason, 'DAO_TOO_MANY_RECORDS'),
    ).length
    return { kept: results.filter((one) => one.status === 'fulfilled' && one.value).length, refused }
  }
  t.same(await put(500), { kept: 100, refused: 400 })
  const full = statSync(path).size + statSync(`${path}-wal`).size
  t.same(await put(2500), { kept: 0, refused: 2400 }, 'the first hundred are known')
  t.ok(statSync(path).size + statSync(`${path}-wal`).size <= full, 'the files have not grown')
  for (const record of dao.records) t.ok(await store.put(record), 'anna is not touched')
})

t.test('junk that nobody signed changes neither the count nor the box', (t) => {
  const dao = smallDao({ anna: '9', mallory: '16' })
  const proposal = dao.propose('anna')
  dao.vote('anna', proposal, 0)
  const replay = createReplay(dao.records[0]!)
  for (const record of dao.records.slice(1)) replay.add(record)
  const count = 2000
  for (const record of junkOf(dao, dao.id('mallory'), { proposal, count, seqOf: () => 0 })) replay.add(record)
  const state = replay.state()
  t.equal(state.recordCount, dao.records.length)
  t.same(wholeScores(tallyOf(state.proposals.get(proposal)!).scores), ['3', '0', '0'])
  t.equal(state.proposals.get(proposal)!.box.length, 1)
  t.end()
})

t.test(
  'numbers above those that a lane may have are DAO_TOO_MANY_RECORDS, before any signature is looked at',
  (t) => {
    const dao = smallDao({ anna: '9', mallory: '16' })
    const proposal = dao.propose('anna')
    let looked = 0
    const replay = createReplay(dao.records[0]!, { verify: () => (looked++, true) })
    for (const record of dao.records.slice(1)) replay.add(record)
    const lookedBefore = looked
    const seqOf = (at: number): number => 256 + at
    const junk = [...junkOf(dao, dao.id('mallory'), { proposal, count: 500, seqOf })]
    for (const record of junk) replay.add(record)
    t.equal(looked, lookedBefore)
    const { rejected, recordCount } = replay.state()
    t.equal(recordCount, dao.records.length)
    t.ok(rejected.every(({ code }) => code === 'DAO_TOO_MANY_RECORDS'))
    t.end()
  },
)

t.test('a thousand signed faces of one number leave two records in the box, the proof', (t) => {
  const dao = smallDao({ anna: '9', mallory: '16' })
  const proposal = dao.propose('anna')
  dao.vote('anna', proposal, 0)
  // Signatures are taken for good: 10,000 real ones would take minutes.
  const replay = createReplay(dao.records[0]!, { verify: () => true })
  for (const record of dao.records.slice(1)) replay.add(record)
  for (const record of junkOf(dao, dao.id('mallory'), { proposal, count: 10_000, seqOf: () => 0 }))
    replay.add(record)
  const view = replay.state().proposals.get(proposal)!
  t.equal(view.box.length, 3, "anna's ballot and the two that prove it")
  t.equal(replay.state().equivocations.length, 1)
  t.same(wholeScores(tallyOf(view).scores), ['3', '0', '0'])
  t.end()
})

t.test('a record larger than its kind may be is refused before it is decoded: DAO_RECORD_TOO_LARGE', (t) => {
  const dao = smallDao({ anna: '9' })
  const { signature } = dao.records[0]!
  for (const bytes of [Buffer.alloc(600_000), Buffer.alloc(5_000_000)])
    t.throws(() => decodeSigned(encodeSigned({ bytes, signature })), { code: 'DAO_RECORD_TOO_LARGE' })
  t.end()
})
