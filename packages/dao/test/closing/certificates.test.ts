import t from 'tap'
import {
  ballotSetRoot,
  ballotsVouchedFor,
  certificatesOf,
  culpritsOf,
  partsOf,
  quorumOf,
  type MemberId,
  type RecordId,
  type SealBody,
  type SignedRecord,
} from '@x0t/dao'
import { ballotId, proposalWith, sealOf, witnessIds } from '../support/closing-run.ts'

const ids = witnessIds(4)
const [honestA, honestB, liar, other] = ids as [MemberId, MemberId, MemberId, MemberId]
const proposal = proposalWith(ids)
const a = ballotId('a')
const b = ballotId('b')

function vote(
  author: MemberId,
  step: 'prepare' | 'commit',
  round: number,
  set: readonly RecordId[] | null,
): SignedRecord {
  const root = set === null ? null : ballotSetRoot(set)
  return sealOf(author, 0, null, {
    proposal: proposal.id,
    step,
    round,
    root,
    count: set?.length ?? 0,
    declarations: [],
    validRound: null,
  })
}

const all = (authors: readonly MemberId[], round: number, set: readonly RecordId[]): SignedRecord[] =>
  authors.flatMap((author) => [vote(author, 'prepare', round, set), vote(author, 'commit', round, set)])

t.test(
  'a quorum is two thirds and one; the rest may fail, and more than half of the clocks decide',
  async (t) => {
    t.same(
      [1, 2, 3, 4, 6, 7, 10].map((n) => quorumOf(n)),
      [
        { witnesses: 1, needed: 1, faults: 0, majority: 1 },
        { witnesses: 2, needed: 2, faults: 0, majority: 2 },
        { witnesses: 3, needed: 3, faults: 0, majority: 2 },
        { witnesses: 4, needed: 3, faults: 1, majority: 3 },
        { witnesses: 6, needed: 5, faults: 1, majority: 4 },
        { witnesses: 7, needed: 5, faults: 2, majority: 4 },
        { witnesses: 10, needed: 7, faults: 3, majority: 6 },
      ],
    )
  },
)

t.test('a ballot counts if more than f declarations hold it', async (t) => {
  t.same(ballotsVouchedFor([[a, b], [a], []], 2), [a])
  t.same(ballotsVouchedFor([[a, b], [a], []], 1), [a, b].toSorted())
  t.same(partsOf([]), [[]])
})

t.test(
  'q commits of one round make a certificate; of different rounds, or to nothing, they make none',
  async (t) => {
    t.equal(certificatesOf(proposal, all(ids.slice(0, 2), 0, [a])).certificate, null)
    t.match(certificatesOf(proposal, all(ids.slice(0, 3), 0, [a])), {
      certificate: { round: 0, count: 1, ballots: null },
      rivals: [],
      culprits: [],
    })
    t.equal(
      certificatesOf(proposal, [...all([honestA, honestB], 0, [a]), ...all([liar], 1, [a])]).certificate,
      null,
    )
    t.equal(
      certificatesOf(
        proposal,
        ids.map((id) => vote(id, 'commit', 0, null)),
      ).certificate,
      null,
    )
  },
)

t.test('who is no witness, and what is for another proposal, counts for nothing', async (t) => {
  const stranger = witnessIds(5).find((id) => !ids.includes(id))!
  t.equal(certificatesOf(proposal, all([honestA, honestB, stranger], 0, [a])).certificate, null)
  const elsewhere = sealOf(liar, 0, null, {
    ...(vote(liar, 'commit', 0, [a]).record.body as SealBody),
    proposal: a,
  })
  t.equal(certificatesOf(proposal, [...all([honestA, honestB], 0, [a]), elsewhere]).certificate, null)
})

t.test('certificates of two rounds over one set are one, the earlier', async (t) => {
  const found = certificatesOf(proposal, [...all(ids, 3, [a]), ...all(ids, 1, [a])])
  t.equal(found.certificate?.round, 1)
  t.same(found.rivals, [])
})

t.test('two certificates in one round name those that signed both, and no other', async (t) => {
  const seals = [...all([honestA, liar, other], 0, [a]), ...all([honestB, liar, other], 0, [b])]
  const { certificate, rivals, culprits } = certificatesOf(proposal, seals)
  t.ok(certificate)
  t.equal(rivals.length, 1)
  t.same(culprits, [liar, other].toSorted())
  t.same(certificatesOf(proposal, seals.toReversed()), { certificate, rivals, culprits })
})

t.test('two certificates in different rounds name those that broke their lock', async (t) => {
  const seals = [...all([honestA, liar, other], 0, [a]), ...all([honestB, liar, other], 2, [b])]
  t.same(certificatesOf(proposal, seals).culprits, [liar, other].toSorted())
  t.same(new Set(culpritsOf(proposal, seals).map(({ fault }) => fault)), new Set(['broken-lock']))
})

t.test('whoever changed on the word of q witnesses is not to blame; whoever these are, is', async (t) => {
  // honestA is locked on [a], sees [b] prepared by three in round 1, and rightly joins in round 2.
  const seals = [
    ...all([honestA, liar, other], 0, [a]),
    ...[honestB, liar, other].map((id) => vote(id, 'prepare', 1, [b])),
    ...all([honestA, honestB, liar], 2, [b]),
  ]
  t.same(certificatesOf(proposal, seals).culprits, [liar, other].toSorted())
})

t.test('commits that rest on nothing are named once there are two certificates, not before', async (t) => {
  const commits = [honestB, liar, other].map((id) => vote(id, 'commit', 2, [b]))
  t.same(culpritsOf(proposal, commits), [])
  const seals = [...all([honestA, liar, other], 0, [a]), ...commits]
  t.same(new Set(culpritsOf(proposal, seals).map(({ fault }) => fault)), new Set(['unfounded-commit']))
})

t.test('two values in one step are named at any time, by the two records', async (t) => {
  const seals = [vote(liar, 'prepare', 0, [a]), vote(liar, 'prepare', 0, null), vote(liar, 'prepare', 0, [b])]
  const found = culpritsOf(proposal, seals)
  t.match(found, [{ witness: liar, fault: 'two-values' }])
  t.equal(found[0]?.records.length, 2)
})
