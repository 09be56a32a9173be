import fc from 'fast-check'
import t from 'tap'
import { hasCode } from '@x0t/core'
import { createReceipt, ballotSetRoot, verifyReceipt, type SignedRecord } from '@x0t/dao'
import { closeVote, openVote, sha256, viewOfVote } from './support/closed-vote.ts'
import { entryOf } from './support/test-dao.ts'

const vote = openVote(['100', '25', '9', '4'])
const { dao, proposal, ballots } = vote
const ids = ballots.map(({ id }) => id)
closeVote(vote, dao.members, ids)
const { certificate } = viewOfVote(vote)
const members = dao.members.map((member) => entryOf(member, '1'))
const [ballot] = ballots as [SignedRecord]
const receipt = createReceipt({ proposal, ballot, certificate })
const verified = (text: string) => verifyReceipt(Buffer.from(text), { members })

t.test('four witnesses certify the four ballots, and the count is final', async (t) => {
  t.equal(certificate?.count, 4)
  t.same(certificate?.ballots, ids.toSorted())
  t.equal(viewOfVote(vote).isFinal, true)
})

t.test('a receipt is a tlog-proof whose root can be computed by hand', async (t) => {
  const lines = receipt.split('\n')
  t.equal(lines[0], 'c2sp.org/tlog-proof@v1')
  t.equal(lines[2], `index ${ids.toSorted().indexOf(ballot.id)}`)
  // Four leaves make two levels: two hashes, an empty line, origin, size, root.
  t.equal(lines[5], '')
  t.equal(lines[6], `x0t.dao/${dao.dao}/${proposal.id}`)
  t.equal(lines[7], '4')
  const leaves = ids.toSorted().map((id) => sha256(`\0${id}`))
  const node = (a: Buffer, b: Buffer): Buffer => sha256(Buffer.concat([Buffer.of(1), a, b]))
  const root = node(node(leaves[0]!, leaves[1]!), node(leaves[2]!, leaves[3]!))
  t.equal(lines[8], root.toString('base64'))
  t.ok(root.equals(ballotSetRoot(ids.toSorted())))
  t.match(lines[10], /^— [a-z2-7]{52} [A-Za-z0-9+/=]+$/)
})

t.test('anyone with the keys of the members finds that it holds', async (t) => {
  const found = verified(receipt)
  t.equal(found.ok, true, JSON.stringify(found.checks))
  t.same(
    found.checks.map(({ check }) => check),
    ['proposal', 'ballot', 'inclusion', 'commits'],
  )
  t.equal(found.ballot.id, ballot.id)
  t.ok(found.witnesses.length >= 3)
})

t.test('with the records of the DAO the certificate is compared too', async (t) => {
  const found = verifyReceipt(Buffer.from(receipt), { state: dao.state() })
  t.equal(found.ok, true)
  t.match(found.checks.at(-1), { check: 'state', holds: true })
  const other = openVote(['1', '1', '1', '1'])
  const elsewhere = verifyReceipt(Buffer.from(receipt), { state: other.dao.state() })
  t.match(elsewhere.checks.at(-1), { check: 'state', holds: false })
})

t.test(
  'too few commits, a commit twice, another root, another index, other keys: each is named',
  async (t) => {
    const lines = receipt.split('\n')
    const root64 = Buffer.from(certificate!.root).toString('base64')
    const failing = (text: string): string[] =>
      verified(text)
        .checks.filter(({ holds }) => !holds)
        .map(({ check }) => check)
    const few = [...lines.slice(0, 12), ''].join('\n')
    t.same(failing(few), ['commits'])
    t.same(failing([...lines.slice(0, 11), lines[10]!, lines[10]!, lines[10]!, ''].join('\n')), ['commits'])
    t.same(failing(receipt.replace(root64, sha256('x').toString('base64'))), ['inclusion', 'commits'])
    t.same(failing(receipt.replace(/index \d/, 'index 7')), ['inclusion'])
    const strangers = members.map((member) => ({
      ...member,
      keys: members[(members.indexOf(member) + 1) % 4]!.keys,
    }))
    t.same(
      verifyReceipt(Buffer.from(receipt), { members: strangers })
        .checks.filter(({ holds }) => !holds)
        .map(({ check }) => check),
      ['proposal', 'ballot', 'commits'],
    )
  },
)

t.test('no receipt without a certificate, or for a ballot that it is not over', async (t) => {
  t.throws(() => createReceipt({ proposal, ballot, certificate: null }), { code: 'DAO_NOT_CERTIFIED' })
  t.throws(() => createReceipt({ proposal, ballot: proposal, certificate }), {
    code: 'DAO_BALLOT_NOT_COUNTED',
  })
})

t.test('whatever is no receipt is DAO_RECEIPT_INVALID, and nothing else happens', async () => {
  const bytes = Buffer.from(receipt)
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
          const changed = Buffer.from(bytes)
          changed[at]! ^= mask
          return changed
        }),
        fc.nat(bytes.length - 1).map((length) => bytes.subarray(0, length)),
      ),
      (changed) => {
        try {
          return !verifyReceipt(changed, { members }).ok
        } catch (error) {
          return hasCode(error, 'DAO_RECEIPT_INVALID')
        }
      },
    ),
    { seed: 5, numRuns: 150 },
  )
})
