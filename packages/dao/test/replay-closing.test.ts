import fc from 'fast-check'
import t from 'tap'
import {
  createProposal,
  createVote,
  replay,
  resultOf,
  verifyRecord,
  type RecordId,
  type SignedRecord,
} from '@x0t/dao'
import { ballotSetRoot } from '../src/closing/ballot-set.ts'
import { hourMs, shownState, startMs, TestDao, type TestMember } from './support/test-dao.ts'

const choices = [
  { label: 'yes', role: 'for' },
  { label: 'no', role: 'against' },
] as const

/** Three members and witnesses (two of them close a vote), a proposal, a ballot of each of the first two. */
function votedDao(): { dao: TestDao; proposal: SignedRecord; ballots: SignedRecord[] } {
  const dao = new TestDao(['16', '9', '4'])
  const [a, b] = dao.members
  const draft = { author: a!.id, title: 'x', text: '', choices, opensMs: startMs }
  const proposal = dao.put(a!, createProposal(dao.state(), draft))
  const vote = (member: TestMember, choice: number): SignedRecord => {
    const ballot = { kind: 'single', choice } as const
    return dao.put(
      member,
      createVote(dao.state(), member.id, { proposal: proposal.id, ballot, nowMs: startMs }),
    )
  }
  return { dao, proposal, ballots: [vote(a!, 0), vote(b!, 1)] }
}

/** The witnesses certify these ballots, all in round `round`. */
function certify(dao: TestDao, proposal: RecordId, ids: readonly RecordId[], round = 0): void {
  const ballots = ids.toSorted()
  const declarations = dao.members
    .map((witness) => dao.sign(witness, 'seal', { proposal, step: 'declare', part: 0, of: 1, ballots }).id)
    .toSorted()
  const step = { proposal, round, root: ballotSetRoot(ballots), count: ballots.length, validRound: null }
  dao.sign(dao.members[0]!, 'seal', { ...step, step: 'propose', declarations })
  for (const name of ['prepare', 'commit'] as const)
    for (const witness of dao.members) dao.sign(witness, 'seal', { ...step, step: name, declarations: [] })
}

function resultIn(dao: TestDao, proposal: RecordId) {
  const { state, isFinal, tally, missingWitnesses } = resultOf(dao.state(), proposal, startMs + hourMs)
  return { state, isFinal, scores: tally.scores.map(({ score }) => score.split('.')[0]), missingWitnesses }
}

t.test('the certified set is what counts, whatever comes later', (t) => {
  const { dao, proposal, ballots } = votedDao()
  const [a, b, c] = dao.members
  certify(
    dao,
    proposal.id,
    ballots.map(({ id }) => id),
  )
  // √16 against √9; without an action there is nothing to wait for.
  const final = { state: 'passed', isFinal: true, scores: ['4', '3'], missingWitnesses: [] }
  t.same(resultIn(dao, proposal.id), final)
  const ballot = { kind: 'single', choice: 1 } as const
  dao.sign(c!, 'vote', { proposal: proposal.id, ballot })
  t.same(resultIn(dao, proposal.id), final, 'a late ballot')
  dao.sign(a!, 'vote', { proposal: proposal.id, ballot }, { at: { seq: 0, prev: null } })
  t.same(resultIn(dao, proposal.id), final, 'an equivocation that nobody knew')
  t.equal(dao.state().equivocations.length, 1, 'is named all the same')
  const at = dao.placeOf(a!, 'member')
  dao.sign(a!, 'delegate', { to: b!.id }, { at })
  t.same(resultIn(dao, proposal.id), final, 'its author cannot undo it by equivocating')
  t.throws(() => createVote(dao.state(), c!.id, { proposal: proposal.id, ballot, nowMs: startMs }), {
    code: 'DAO_CLOSED',
  })
  t.end()
})

t.test('a certificate without all of its ballots is not final until they come', (t) => {
  const { dao, proposal, ballots } = votedDao()
  certify(
    dao,
    proposal.id,
    ballots.map(({ id }) => id),
  )
  const part = replay(dao.records.filter(({ id }) => id !== ballots[1]!.id))
  const { state, isFinal } = resultOf(part, proposal.id, startMs + hourMs)
  t.same({ state, isFinal }, { state: 'closing', isFinal: false })
  t.equal(resultIn(dao, proposal.id).isFinal, true)
  t.end()
})

t.test('what proves an equivocation voids the ballot in the certified set too', (t) => {
  const { dao, proposal, ballots } = votedDao()
  const ballot = { kind: 'single', choice: 1 } as const
  const twin = dao.sign(
    dao.members[0]!,
    'vote',
    { proposal: proposal.id, ballot },
    { at: { seq: 0, prev: null } },
  )
  const { box } = dao.state().proposals.get(proposal.id)!
  t.same(
    box.map(({ id }) => id),
    [...ballots, twin].map(({ id }) => id).toSorted(),
  )
  certify(
    dao,
    proposal.id,
    box.map(({ id }) => id),
  )
  t.same(resultIn(dao, proposal.id).scores, ['0', '3'])
  t.end()
})

t.test('two certificates halt the proposal and name who made them', (t) => {
  const { dao, proposal, ballots } = votedDao()
  certify(
    dao,
    proposal.id,
    ballots.map(({ id }) => id),
  )
  certify(dao, proposal.id, [ballots[0]!.id])
  const { state, isFinal } = resultIn(dao, proposal.id)
  t.same({ state, isFinal }, { state: 'halted', isFinal: false })
  const view = dao.state().proposals.get(proposal.id)!
  t.equal(view.rivals.length, 1)
  t.same(view.culprits, dao.members.map(({ id }) => id).toSorted())
  t.end()
})

t.test('messages of the closing protocol in any order give the same state', (t) => {
  const { dao, proposal, ballots } = votedDao()
  certify(
    dao,
    proposal.id,
    ballots.map(({ id }) => id),
  )
  dao.sign(
    dao.members[1]!,
    'seal',
    {
      proposal: proposal.id,
      step: 'commit',
      round: 1,
      root: null,
      count: 0,
      declarations: [],
      validRound: null,
    },
    { at: { seq: 0, prev: null } },
  )
  const checked = new Map<string, boolean>()
  const verify: typeof verifyRecord = (signed, keys) => {
    const key = `${signed.id} ${Buffer.from(keys.ed25519).toString('hex')}`
    let good = checked.get(key)
    if (good === undefined) checked.set(key, (good = verifyRecord(signed, keys)))
    return good
  }
  const shown = (records: readonly SignedRecord[]) => shownState(replay(records, { verify }))
  const expected = shown(dao.records)
  fc.assert(
    fc.property(fc.shuffledSubarray(dao.records, { minLength: dao.records.length }), (records) => {
      t.same(shown(records), expected)
    }),
    { seed: 4, numRuns: 30 },
  )
  t.end()
})
