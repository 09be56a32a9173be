import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import {
  decodeSigned,
  encodeSigned,
  verifyBundle,
  writeBundle,
  type BundleVerification,
  type SignedRecord,
} from '@x0t/dao'
import { closeVote, openVote } from './support/closed-vote.ts'

const root = mkdtempSync(`${tmpdir()}/x0t-verify-`)
t.teardown(() => rmSync(root, { recursive: true }))
const path = `${root}/vote.bundle`

function certified() {
  const vote = openVote(['100', '25', '9', '4'])
  closeVote(
    vote,
    vote.dao.members,
    vote.ballots.map(({ id }) => id),
  )
  return vote
}

async function verdictOn(records: readonly SignedRecord[]): Promise<BundleVerification> {
  await writeBundle(path, records)
  return await verifyBundle(path, { threads: 0 })
}

function failures({ checks }: BundleVerification): string[] {
  return checks.filter(({ verdict }) => verdict === 'fails').map(({ check }) => check)
}

t.test('a whole bundle holds, and everything in it was found again', async (t) => {
  const { dao, proposal } = certified()
  const found = await verdictOn(dao.records)
  t.same(failures(found), [], JSON.stringify(found.checks))
  t.equal(found.ok, true)
  t.equal(found.dao, dao.dao)
  t.equal(found.records, dao.records.length)
  t.match(found.proposals, [
    { id: proposal.id, title: 'Plant trees', isFinal: true, tally: { outcome: 'passed' } },
  ])
  t.same(
    found.checks.map(({ check }) => check),
    ['file', 'genesis', 'records', 'registry', 'certificate', 'ballots', 'tally'],
  )
})

t.test('the records in any order give the same count', async (t) => {
  const { dao } = certified()
  const one = await verdictOn(dao.records)
  const other = await verdictOn(dao.records.toReversed())
  t.equal(one.proposals[0]?.tallyDigest, other.proposals[0]?.tallyDigest)
  t.same(one.proposals, other.proposals)
})

t.test('a vote that is still open is provisional, and that is no failure', async (t) => {
  const { dao } = openVote(['100', '25', '9', '4'])
  const found = await verdictOn(dao.records)
  t.equal(found.ok, true)
  t.match(
    found.checks.find(({ check }) => check === 'certificate'),
    { verdict: 'noted' },
  )
  t.match(found.proposals, [{ isFinal: false, root: null }])
})

t.test('a ballot that is left out, forged or swapped breaks what the certificate is over', async (t) => {
  const { dao, ballots } = certified()
  const [first, second] = ballots as [SignedRecord, SignedRecord]
  t.same(failures(await verdictOn(dao.records.filter((record) => record !== first))), ['ballots'])
  const swapped = { ...first, signature: second.signature }
  const found = await verdictOn(dao.records.map((record) => (record === first ? swapped : record)))
  t.same(failures(found), ['records', 'ballots'])
  t.match(
    found.checks.find(({ verdict }) => verdict === 'fails'),
    { found: /DAO_SIGNATURE_INVALID/, about: first.id },
  )
  // The forger gives the member a second voice: other bytes, the old signature.
  const bytes = Buffer.from(first.bytes)
  bytes[bytes.indexOf('atMs') + 8]! ^= 1
  const forged = decodeSigned(encodeSigned({ bytes, signature: first.signature }))
  t.same(failures(await verdictOn([...dao.records, forged])), ['records'])
})

t.test(
  'without the genesis, with two, or with another than expected there is nothing to verify',
  async (t) => {
    const { dao } = certified()
    t.same(failures(await verdictOn(dao.records.slice(1))), ['genesis'])
    await writeBundle(path, dao.records)
    const found = await verifyBundle(path, { dao: dao.records[1]!.id, threads: 0 })
    t.same(failures(found), ['genesis'])
    t.equal(found.dao, null)
  },
)

t.test('commits that are left out leave no certificate; declarations, no set', async (t) => {
  const { dao } = certified()
  const without = async (step: string) =>
    await verdictOn(dao.records.filter(({ record }) => record.kind !== 'seal' || record.body.step !== step))
  t.match((await without('commit')).proposals, [{ isFinal: false, root: null }])
  t.same(failures(await without('declare')), ['certificate'])
})

t.test('two certificates are named with those who signed both', async (t) => {
  const vote = openVote(['100', '25', '9', '4'])
  const { dao, ballots } = vote
  const [a, b, liar, other] = dao.members
  const ids = ballots.map(({ id }) => id)
  closeVote(vote, [a!, liar!, other!], ids)
  closeVote(vote, [b!, liar!, other!], ids.slice(1))
  const found = await verdictOn(dao.records)
  t.same(failures(found), ['certificate'])
  const { found: text } = found.checks.find(({ verdict }) => verdict === 'fails')!
  t.match(text, liar!.id)
  t.match(text, other!.id)
  t.notMatch(text, a!.id)
  t.notMatch(text, b!.id)
  t.equal(found.proposals[0]?.isFinal, false)
})

t.test('a report of an execution that no certificate allows is a failure', async (t) => {
  const { dao, proposal } = openVote(['100', '25', '9', '4'])
  dao.sign(dao.members[1]!, 'execution', {
    proposal: proposal.id,
    action: 0,
    outcome: 'executed',
    detail: 'done',
  })
  t.same(failures(await verdictOn(dao.records)), ['execution'])
})

t.test('of a truncated bundle the good part is checked, and the rest reported', async (t) => {
  const { dao } = certified()
  await writeBundle(path, dao.records)
  truncateSync(path, readFileSync(path).length - 50)
  const found = await verifyBundle(path, { threads: 0 })
  t.match(found.checks[0], { check: 'file', verdict: 'fails', found: /DAO_BUNDLE_TRUNCATED/ })
  t.equal(found.records, dao.records.length - 1)
  await t.rejects(verifyBundle(`${root}/none`), { code: 'DAO_BUNDLE_NOT_FOUND' })
})
