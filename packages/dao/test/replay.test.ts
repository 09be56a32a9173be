import fc from 'fast-check'
import t from 'tap'
import {
  createCancel,
  createDelegate,
  createMemberAdd,
  createMemberBalance,
  createMemberRemove,
  createMemberRotate,
  createProposal,
  createReplay,
  createVerifier,
  createVeto,
  createVote,
  defaultRules,
  endOf,
  findGenesis,
  replay,
  resultOf,
  signRecord,
  tallyOf,
  verifyRecord,
  type SignedRecord,
} from '@x0t/dao'
import { entryOf, hourMs, shownState, startMs, TestDao, testMember } from './support/test-dao.ts'

const choices = [
  { label: 'yes', role: 'for' },
  { label: 'no', role: 'against' },
  { label: 'abstain', role: 'abstain' },
] as const
const draft = { title: 'Loss', text: '', choices, opensMs: startMs }
const single = (choice: number) => ({ kind: 'single', choice }) as const

/** Scores of a proposal as the state knows it. */
function scoresOf(dao: TestDao, id: string): readonly string[] {
  return tallyOf(dao.state().proposals.get(id as never)!).scores.map(({ score }) => score)
}
function codeOf(dao: TestDao, { id }: SignedRecord): string | undefined {
  return dao.state().rejected.find((one) => one.id === id)?.code
}
function proposalIn(dao: TestDao, by = 0): SignedRecord {
  return dao.put(dao.members[by]!, createProposal(dao.state(), { ...draft, author: dao.members[by]!.id }))
}
function voteIn(dao: TestDao, by: number, proposal: SignedRecord, choice: number): SignedRecord {
  const { id } = dao.members[by]!
  const vote = { proposal: proposal.id, ballot: single(choice), nowMs: startMs + 1 }
  return dao.put(dao.members[by]!, createVote(dao.state(), id, vote))
}

t.test('a vote weighs the root of the balance that the snapshot gives', (t) => {
  const dao = new TestDao(['16', '9', '4'])
  const proposal = proposalIn(dao)
  voteIn(dao, 0, proposal, 0)
  voteIn(dao, 1, proposal, 1)
  t.same(scoresOf(dao, proposal.id), ['4.000000000', '3.000000000', '0.000000000'])
  // A balance that changes afterwards changes nothing here.
  const [registrar, member] = dao.members
  const change = { id: member!.id, balance: '1000000', reason: '' }
  dao.put(registrar!, createMemberBalance(dao.state(), registrar!.id, change))
  t.equal(dao.state().members.get(member!.id)?.balance, '1000000')
  t.same(scoresOf(dao, proposal.id), ['4.000000000', '3.000000000', '0.000000000'])
  t.end()
})

t.test('the last ballot of a member counts', (t) => {
  const dao = new TestDao(['16', '9'])
  const proposal = proposalIn(dao)
  voteIn(dao, 0, proposal, 0)
  voteIn(dao, 0, proposal, 1)
  t.same(scoresOf(dao, proposal.id), ['0.000000000', '4.000000000', '0.000000000'])
  t.end()
})

t.test('two ballots with one number void each other and what follows, not what was before', (t) => {
  const dao = new TestDao(['16', '9'])
  const proposal = proposalIn(dao)
  const [liar] = dao.members
  voteIn(dao, 0, proposal, 0)
  const second = voteIn(dao, 0, proposal, 1)
  const at = dao.placeOf(liar!, `vote:${proposal.id}`)
  const twin = dao.sign(liar!, 'vote', { proposal: proposal.id, ballot: single(2) }, { at })
  voteIn(dao, 0, proposal, 2)
  t.same(scoresOf(dao, proposal.id), ['4.000000000', '0.000000000', '0.000000000'])
  const records = [second.id, twin.id].toSorted()
  t.same(dao.state().equivocations, [{ author: liar!.id, lane: `vote:${proposal.id}`, seq: 1, records }])
  t.same(
    dao
      .state()
      .proposals.get(proposal.id)!
      .box.filter(({ id }) => records.includes(id)).length,
    2,
    'the proof lies in the box',
  )
  t.end()
})

t.test('who has no ballot is heard through its delegate, and its own ballot overrides', (t) => {
  const dao = new TestDao(['16', '9', '4'])
  const [, b, c] = dao.members
  dao.put(c!, createDelegate(dao.state(), c!.id, b!.id))
  const proposal = proposalIn(dao)
  voteIn(dao, 1, proposal, 0)
  // The roots are taken member by member: 3 + 2, not √13.
  t.same(scoresOf(dao, proposal.id), ['5.000000000', '0.000000000', '0.000000000'])
  voteIn(dao, 2, proposal, 1)
  t.same(scoresOf(dao, proposal.id), ['3.000000000', '2.000000000', '0.000000000'])
  // Taken back afterwards: the snapshot has it still, the next one has not.
  dao.put(c!, createDelegate(dao.state(), c!.id, null))
  t.equal(
    dao
      .state()
      .proposals.get(proposal.id)!
      .electorate.find(({ id }) => id === c!.id)?.delegate,
    b!.id,
  )
  t.equal(dao.state().members.get(c!.id)?.delegate, null)
  t.end()
})

t.test('delegations in a circle are void and named', (t) => {
  const dao = new TestDao(['16', '9', '4'])
  const [a, b, c] = dao.members
  dao.sign(a!, 'delegate', { to: b!.id })
  dao.sign(b!, 'delegate', { to: a!.id })
  dao.sign(c!, 'delegate', { to: a!.id })
  const { members, registry } = dao.state()
  t.same(registry.delegationCycles, [a!.id, b!.id].toSorted())
  t.equal(members.get(a!.id)?.delegate, null)
  t.equal(members.get(c!.id)?.delegate, a!.id)
  t.throws(() => createDelegate(dao.state(), a!.id, c!.id), { code: 'DAO_DELEGATION_CYCLE' })
  t.throws(() => createDelegate(dao.state(), a!.id, a!.id), { code: 'DAO_DELEGATE_SELF' })
  t.throws(() => createDelegate(dao.state(), a!.id, testMember(99).id), { code: 'DAO_MEMBER_UNKNOWN' })
  t.end()
})

t.test('registrars together add, remove and grant, each change on the one before', (t) => {
  const registrars = [testMember(1).id, testMember(2).id].toSorted()
  const dao = new TestDao(['16', '9', '4'], { registrars, registrarsNeeded: 2 })
  const [a, b, c] = dao.members
  const guest = testMember(50)
  const add = createMemberAdd(dao.state(), a!.id, entryOf(guest, '25'))
  dao.put(a!, add)
  t.notOk(dao.state().members.has(guest.id), 'one of two is not enough')
  t.same(
    dao.state().registry.pending.map(({ member, registrars: signers }) => [member, signers]),
    [[guest.id, [a!.id]]],
  )
  dao.put(b!, add)
  t.equal(dao.state().members.get(guest.id)?.balance, '25')
  t.equal(codeOf(dao, dao.put(c!, add)), 'DAO_NOT_A_REGISTRAR')
  // The same change once more does nothing: it has its number.
  dao.put(a!, add)
  dao.put(b!, add)
  t.same(dao.state().registry.changes.get(guest.id), 1)
  const grant = createMemberBalance(dao.state(), a!.id, { id: guest.id, balance: '36', reason: 'work' })
  dao.put(a!, grant)
  dao.put(b!, { ...grant, body: { ...grant.body, reason: 'good work' } })
  t.equal(dao.state().members.get(guest.id)?.balance, '36', 'reasons may differ')
  const remove = createMemberRemove(dao.state(), b!.id, { id: guest.id, reason: 'left' })
  dao.put(a!, remove)
  dao.put(b!, remove)
  t.notOk(dao.state().members.has(guest.id))
  const again = createMemberAdd(dao.state(), a!.id, entryOf(guest, '1'))
  t.equal(again.body.change, 4)
  dao.put(a!, again)
  dao.put(b!, again)
  t.equal(dao.state().members.get(guest.id)?.balance, '1')
  t.end()
})

t.test('of different changes with one number the most careful counts, and the conflict is named', (t) => {
  const registrars = [testMember(1).id, testMember(2).id].toSorted()
  const dao = new TestDao(['16', '9', '4'], { registrars })
  const [a, b, c] = dao.members
  const state = dao.state()
  dao.put(a!, createMemberBalance(state, a!.id, { id: c!.id, balance: '10', reason: '' }))
  dao.put(b!, createMemberBalance(state, b!.id, { id: c!.id, balance: '9', reason: '' }))
  t.equal(dao.state().members.get(c!.id)?.balance, '9')
  t.equal(dao.state().registry.conflicts.length, 1)
  dao.put(a!, createMemberRemove(state, a!.id, { id: c!.id, reason: '' }))
  t.notOk(dao.state().members.has(c!.id))
  t.throws(() => createMemberRemove(state, a!.id, { id: b!.id, reason: '' }), { code: 'DAO_REGISTRAR_FIXED' })
  t.equal(
    codeOf(dao, dao.sign(a!, 'member.remove', { id: b!.id, change: 1, reason: '' })),
    'DAO_REGISTRAR_FIXED',
  )
  t.end()
})

t.test('a rotated key is honoured through the record that the old one signed', (t) => {
  const dao = new TestDao(['16', '9'])
  const [a, b] = dao.members
  const before = proposalIn(dao)
  const next = testMember(2, 1).identity
  dao.put(b!, createMemberRotate(dao.state(), b!.id, next))
  const after = proposalIn(dao)
  // The old keys still sign for what was open before the rotation, not for what came after it.
  voteIn(dao, 1, before, 0)
  const late = voteIn(dao, 1, after, 0)
  t.equal(codeOf(dao, late), 'DAO_SIGNATURE_INVALID')
  t.same(scoresOf(dao, before.id), ['3.000000000', '0.000000000', '0.000000000'])
  dao.useKeys(b!, next)
  // The new keys take over in both, whatever the numbers.
  dao.sign(b!, 'vote', { proposal: before.id, ballot: single(1) }, { at: { seq: 0, prev: null } })
  dao.sign(b!, 'vote', { proposal: after.id, ballot: single(1) }, { at: { seq: 0, prev: null } })
  t.same(scoresOf(dao, before.id), ['0.000000000', '3.000000000', '0.000000000'])
  t.same(scoresOf(dao, after.id), ['0.000000000', '3.000000000', '0.000000000'])
  t.same(dao.state().equivocations, [], 'a ballot of a key that was replaced is no equivocation')
  // What follows in the member's own lane needs the new keys.
  dao.put(b!, createDelegate(dao.state(), b!.id, a!.id))
  t.equal(dao.state().members.get(b!.id)?.delegate, a!.id)
  dao.useKeys(b!, b!.identity)
  t.equal(codeOf(dao, dao.sign(b!, 'delegate', { to: null })), 'DAO_SIGNATURE_INVALID')
  t.end()
})

t.test('keys that follow the record which the snapshot cites sign, others of another branch do not', (t) => {
  const dao = new TestDao(['16', '9'])
  const [a, b] = dao.members
  const first = dao.put(b!, createDelegate(dao.state(), b!.id, a!.id))
  const proposal = proposalIn(dao)
  const ballot = { proposal: proposal.id, ballot: single(1) }
  const next = testMember(2, 1).identity
  dao.put(b!, createMemberRotate(dao.state(), b!.id, next))
  dao.useKeys(b!, next)
  const vote = dao.sign(b!, 'vote', ballot)
  t.equal(codeOf(dao, vote), undefined)
  t.same(scoresOf(dao, proposal.id), ['0.000000000', '3.000000000', '0.000000000'])
  // A thief with the old keys makes a branch beside what was cited, and new keys on it.
  const thief = testMember(2, 2).identity
  const forged = createMemberRotate(new TestDao(['16', '9']).state(), b!.id, thief)
  dao.useKeys(b!, b!.identity)
  dao.sign(b!, 'member.rotate', forged.body, { at: { seq: 0, prev: null } })
  dao.useKeys(b!, thief)
  const stolen = dao.sign(b!, 'vote', { ...ballot, ballot: single(0) }, { at: { seq: 5, prev: vote.id } })
  t.equal(codeOf(dao, stolen), 'DAO_SIGNATURE_INVALID')
  t.same(scoresOf(dao, proposal.id), ['0.000000000', '3.000000000', '0.000000000'])
  t.equal(dao.state().equivocations[0]?.seq, 0)
  t.ok(dao.state().recordCount > 0 && first.id)
  t.end()
})

t.test('only witnesses that the constitution names close a vote', (t) => {
  const dao = new TestDao(['16', '9'], { witnesses: [testMember(1).id] })
  const [a, b] = dao.members
  const proposal = proposalIn(dao, 1)
  t.same(dao.state().proposals.get(proposal.id)!.record.body.witnesses, [a!.id])
  const declare = { proposal: proposal.id, step: 'declare', part: 0, of: 1, ballots: [] } as const
  t.equal(codeOf(dao, dao.sign(b!, 'seal', declare)), 'DAO_NOT_A_WITNESS')
  t.equal(codeOf(dao, dao.sign(a!, 'seal', declare)), undefined)
  t.equal(dao.state().proposals.get(proposal.id)!.seals.length, 1)
  t.end()
})

t.test('reports and pieces of files count up to the number that was given twice', (t) => {
  const dao = new TestDao(['16', '9'])
  const [a, b] = dao.members
  const proposal = proposalIn(dao)
  const report = (outcome: 'executed' | 'failed') =>
    ({ proposal: proposal.id, action: 0, outcome, detail: '' }) as const
  dao.sign(a!, 'execution', report('executed'))
  dao.sign(b!, 'execution', report('executed'))
  dao.sign(b!, 'execution', report('failed'))
  dao.sign(b!, 'execution', report('executed'), { at: dao.placeOf(b!, `node:${proposal.id}`) })
  const view = dao.state().proposals.get(proposal.id)!
  t.same(
    view.executions.map(({ author, seq }) => [author, seq]),
    [
      [a!.id, 0],
      [b!.id, 0],
    ].toSorted(([x], [y]) => (x! < y! ? -1 : 1)),
  )
  const piece = { digest: '0'.repeat(64), index: 0, of: 1, bytes: Uint8Array.of(1) }
  const good = dao.sign(a!, 'artifact', piece)
  dao.sign(a!, 'artifact', { ...piece, bytes: Uint8Array.of(2) }, { at: { seq: 0, prev: null } })
  const foreign = signRecord(b!.identity, { ...good.record, seq: 1, prev: good.id }, 'artifact', piece)
  dao.records.push(foreign)
  t.equal(codeOf(dao, foreign), 'DAO_SIGNATURE_INVALID')
  t.same(
    dao
      .state()
      .equivocations.map(({ lane, seq }) => `${lane.split(':')[0]} ${seq}`)
      .toSorted(),
    ['artifact 0', 'node 1'],
  )
  t.end()
})

t.test('what a registrar signs wrongly has no effect', (t) => {
  const dao = new TestDao(['16', '9'])
  const [a, b] = dao.members
  const member = { ...entryOf(testMember(61), '1'), id: testMember(62).id }
  t.equal(codeOf(dao, dao.sign(a!, 'member.add', { member, change: 1 })), 'DAO_KEYS_MISMATCH')
  dao.sign(a!, 'member.add', { member: entryOf(b!, '1000'), change: 1 })
  dao.sign(a!, 'member.balance', { id: testMember(61).id, change: 1, balance: '5', reason: '' })
  dao.sign(a!, 'member.remove', { id: testMember(61).id, change: 1, reason: '' })
  const { members, registry } = dao.state()
  t.same([...members.values()].map(({ balance }) => balance).toSorted(), ['16', '9'])
  t.same(registry.applied, [])
  t.same(registry.pending, [])
  t.end()
})

t.test('a proposal that was taken back leaves room for another', (t) => {
  const dao = new TestDao(['16'], { maxOpenProposals: 1 })
  const [a] = dao.members
  const proposal = proposalIn(dao)
  dao.put(a!, createCancel(dao.state(), a!.id, { proposal: proposal.id, reason: '' }))
  t.equal(codeOf(dao, proposalIn(dao)), undefined)
  t.equal(dao.state().proposals.size, 2)
  t.throws(() => resultOf(dao.state(), dao.dao, startMs), { code: 'DAO_PROPOSAL_UNKNOWN' })
  t.end()
})

t.test('nobody rotates to keys that it does not hold, nor keeps a place with keys of another', (t) => {
  const dao = new TestDao(['16', '9', '4'])
  const [a, b, c] = dao.members
  const rotate = createMemberRotate(dao.state(), b!.id, testMember(2, 1).identity)
  const stolen = dao.sign(c!, 'member.rotate', rotate.body)
  t.equal(codeOf(dao, stolen), 'DAO_ROTATION_INVALID', 'the proof names another member')
  t.throws(() => createMemberRotate(dao.state(), b!.id, a!.identity), { code: 'DAO_KEY_REUSED' })
  // Two that share keys: the founder of the lower id stays.
  const [low, high] = [b!, c!].toSorted((x, y) => (x.id < y.id ? -1 : 1))
  const shared = testMember(60).identity
  for (const member of [low, high])
    dao.put(member!, createMemberRotate(new TestDao(['16', '9', '4']).state(), member!.id, shared))
  t.same(dao.state().registry.sharingKeys, [high!.id])
  t.notOk(dao.state().members.has(high!.id))
  t.ok(dao.state().members.has(low!.id))
  t.throws(
    () => createMemberAdd(dao.state(), a!.id, { ...entryOf(testMember(61), '1'), id: testMember(62).id }),
    {
      code: 'DAO_KEYS_MISMATCH',
    },
  )
  t.end()
})

t.test('what does not belong here is named and changes nothing', (t) => {
  const dao = new TestDao(['16', '9', '4'])
  const [a, b] = dao.members
  const other = new TestDao(['16', '9'])
  const proposal = proposalIn(dao)
  const foreign = proposalIn(other)
  const scores = () => scoresOf(dao, proposal.id)
  const vote = voteIn(dao, 1, proposal, 0)
  const before = scores()
  const sign = (record: SignedRecord): SignedRecord => {
    dao.records.push(record)
    return record
  }
  const head = { ...vote.record, lane: `vote:${proposal.id}` as const }
  const ballot = { proposal: proposal.id, ballot: single(1) }
  const stranger = testMember(70)
  for (const [name, record, code] of [
    [
      'of a stranger',
      sign(signRecord(stranger.identity, { ...head, author: stranger.id }, 'vote', ballot)),
      'DAO_NOT_A_MEMBER',
    ],
    [
      'signed by another',
      sign(signRecord(a!.identity, { ...head, seq: 1, prev: vote.id }, 'vote', ballot)),
      'DAO_SIGNATURE_INVALID',
    ],
    [
      'of another DAO',
      sign(signRecord(b!.identity, { ...head, dao: foreign.id }, 'vote', ballot)),
      'DAO_OTHER_DAO',
    ],
    [
      'for a proposal that is not here',
      dao.sign(b!, 'vote', { ...ballot, proposal: vote.id }),
      'DAO_PROPOSAL_UNKNOWN',
    ],
    [
      'for a choice that is not offered',
      dao.sign(b!, 'vote', { ...ballot, ballot: single(3) }),
      'DAO_CHOICE_UNKNOWN',
    ],
    [
      'of another method',
      dao.sign(b!, 'vote', { ...ballot, ballot: { kind: 'ranking', ranking: [0] } }),
      'DAO_BALLOT_KIND',
    ],
    [
      'above the limit of a lane',
      dao.sign(b!, 'vote', ballot, { at: { seq: 256, prev: vote.id } }),
      'DAO_TOO_MANY_RECORDS',
    ],
    ['another genesis', sign(other.records[0]!), 'DAO_OTHER_DAO'],
    [
      'a veto of no guardian',
      dao.sign(b!, 'veto', { proposal: proposal.id, reason: '' }),
      'DAO_NOT_A_GUARDIAN',
    ],
    [
      'a gap in the lane of a member',
      dao.sign(a!, 'delegate', { to: null }, { at: { seq: 9, prev: vote.id } }),
      'DAO_RECORD_MISSING',
    ],
    [
      'a number that does not follow',
      dao.sign(a!, 'delegate', { to: null }, { at: { seq: 9, prev: proposal.id } }),
      'DAO_LANE_BROKEN',
    ],
  ] as const) {
    t.equal(codeOf(dao, record), code, name)
    t.same(scores(), before, name)
  }
  // A bad copy hides no good record.
  const good = voteIn(dao, 0, proposal, 1)
  const bad = { ...good, signature: new Uint8Array(good.signature.length) }
  const state = replay([...dao.records.slice(0, -1), bad, bad, good], { dao: dao.dao })
  t.notOk(state.rejected.some(({ id }) => id === good.id))
  t.ok(state.proposals.get(proposal.id)!.voices.some(({ member }) => member === a!.id))
  t.end()
})

t.test('a proposal that does not hold is named', (t) => {
  const dao = new TestDao(['16', '9', '4'], { maxOpenProposals: 2 })
  const [a, b] = dao.members
  const good = createProposal(dao.state(), { ...draft, author: b!.id }).body
  for (const [name, body, code] of [
    ['another root', { ...good, snapshotRoot: new Uint8Array(32) }, 'DAO_SNAPSHOT_MISMATCH'],
    ['fewer witnesses', { ...good, witnesses: good.witnesses.slice(1) }, 'DAO_WITNESSES_WRONG'],
    ['too short', { ...good, closesMs: good.opensMs + 1 }, 'DAO_TIMES_INVALID'],
    ['no timelock', { ...good, timelockMs: 0 }, 'DAO_TIMES_INVALID'],
    [
      'its author among the snapshot',
      { ...good, asOf: [[b!.id, 0, dao.dao]] as const },
      'DAO_RECORD_MISSING',
    ],
    ['a wrong number', { ...good, asOf: [[a!.id, 3, dao.dao]] as const }, 'DAO_RECORD_MISSING'],
    [
      'roles that do not fit',
      { ...good, choices: choices.map((one) => ({ ...one, role: 'option' as const })) },
      'DAO_CHOICES_INVALID',
    ],
  ] as const) {
    const fresh = new TestDao(['16', '9', '4'], { maxOpenProposals: 2 })
    t.equal(codeOf(fresh, fresh.sign(b!, 'proposal', body)), code, name)
  }
  for (const index of [0, 1]) t.equal(codeOf(dao, dao.sign(a!, 'proposal', good)), undefined, `${index}`)
  t.equal(codeOf(dao, dao.sign(a!, 'proposal', good)), 'DAO_TOO_MANY_PROPOSALS')
  t.throws(() => createProposal(dao.state(), { ...draft, author: a!.id }), { code: 'DAO_TOO_MANY_PROPOSALS' })
  // One that does not run at the same time.
  const later = { ...draft, opensMs: startMs + 2 * hourMs, author: a!.id }
  t.equal(codeOf(dao, dao.put(a!, createProposal(dao.state(), later))), undefined)
  t.end()
})

t.test('a member that equivocates is void from there on, its proposals too', (t) => {
  const dao = new TestDao(['16', '9', '4'])
  const [a, b] = dao.members
  dao.put(b!, createDelegate(dao.state(), b!.id, a!.id))
  const proposal = proposalIn(dao, 1)
  voteIn(dao, 0, proposal, 0)
  const at = dao.placeOf(b!, 'member')
  dao.sign(b!, 'delegate', { to: null }, { at })
  const { proposals, members, equivocations, rejected } = dao.state()
  t.notOk(proposals.has(proposal.id))
  t.equal(rejected.find(({ id }) => id === proposal.id)?.code, 'DAO_EQUIVOCATION')
  t.equal(members.get(b!.id)?.delegate, a!.id, 'what it said before stands')
  t.same(
    equivocations.map(({ author, lane, seq }) => ({ author, lane, seq })),
    [{ author: b!.id, lane: 'member', seq: 1 }],
  )
  t.throws(() => resultOf(dao.state(), proposal.id, startMs), { code: 'DAO_PROPOSAL_UNKNOWN' })
  t.end()
})

t.test('guardians veto, authors take back', (t) => {
  const dao = new TestDao(['16', '9'], { guardians: [testMember(2).id] })
  const [a, b] = dao.members
  const proposal = proposalIn(dao)
  t.throws(() => createVeto(dao.state(), a!.id, { proposal: proposal.id, reason: '' }), {
    code: 'DAO_NOT_A_GUARDIAN',
  })
  dao.put(b!, createVeto(dao.state(), b!.id, { proposal: proposal.id, reason: 'no' }))
  dao.sign(b!, 'cancel', { proposal: proposal.id, reason: 'not mine' })
  t.equal(dao.state().proposals.get(proposal.id)!.vetoes.length, 1)
  t.equal(dao.state().proposals.get(proposal.id)!.isCanceled, false)
  dao.sign(a!, 'cancel', { proposal: proposal.id, reason: 'mine' })
  t.equal(resultOf(dao.state(), proposal.id, startMs + 1).state, 'canceled')
  t.end()
})

t.test('before a certificate the state is what the clock says', (t) => {
  const dao = new TestDao(['16', '9'])
  const proposal = proposalIn(dao)
  const at = (ms: number) => resultOf(dao.state(), proposal.id, startMs + ms)
  t.equal(at(-1).state, 'pending')
  t.equal(at(0).state, 'open')
  t.equal(at(hourMs).state, 'closing')
  t.equal(at(hourMs + 120_000).state, 'unsealed')
  t.same(at(0).missingWitnesses, [])
  t.same(at(hourMs + 120_000).missingWitnesses, dao.members.map(({ id }) => id).toSorted())
  t.equal(at(0).isFinal, false)
  t.throws(
    () =>
      createVote(dao.state(), dao.members[0]!.id, {
        proposal: proposal.id,
        ballot: single(0),
        nowMs: startMs - 1,
      }),
    {
      code: 'DAO_NOT_OPEN',
    },
  )
  t.throws(
    () =>
      createVote(dao.state(), dao.members[0]!.id, {
        proposal: proposal.id,
        ballot: single(0),
        nowMs: startMs + hourMs,
      }),
    {
      code: 'DAO_CLOSED',
    },
  )
  t.end()
})

t.test('a quorum that is reached late leaves time to answer', (t) => {
  const rules = { ...defaultRules, lateQuorumMs: hourMs / 2 }
  const dao = new TestDao(['16', '9'], { rules })
  const proposal = proposalIn(dao)
  const [a, b] = dao.members
  // 4 of 7 is half of the weight; it is there ten minutes before the end, which moves by twenty.
  const ballot = { proposal: proposal.id, ballot: single(0) }
  dao.sign(a!, 'vote', ballot, { atMs: startMs + (hourMs * 5) / 6 })
  const view = dao.state().proposals.get(proposal.id)!
  t.equal(endOf(view), startMs + (hourMs * 4) / 3)
  t.equal(resultOf(dao.state(), proposal.id, startMs + hourMs + 1).state, 'open')
  t.ok(createVote(dao.state(), b!.id, { ...ballot, nowMs: startMs + hourMs + 1 }))
  t.equal(endOf(dao.state().proposals.get(proposal.id)!), endOf(view))
  t.throws(() => createVote(dao.state(), b!.id, { ...ballot, nowMs: startMs + 2 * hourMs }), {
    code: 'DAO_CLOSED',
  })
  t.end()
})

t.test('a proposal that leaves out older changes of the registry is seen through', (t) => {
  const dao = new TestDao(['16', '9'])
  const [a, b] = dao.members
  const stale = createProposal(dao.state(), { ...draft, author: b!.id })
  const grant = createMemberBalance(dao.state(), a!.id, { id: b!.id, balance: '1', reason: 'slashed' })
  dao.put(a!, grant)
  const cheat = dao.sign(b!, stale.kind, stale.body, { atMs: startMs + 1 })
  const honest = dao.sign(b!, stale.kind, createProposal(dao.state(), { ...draft, author: b!.id }).body, {
    atMs: startMs + 2,
  })
  const { proposals } = dao.state()
  t.same(
    proposals.get(cheat.id)!.leftOut.map(({ member, change }) => [member, change]),
    [[b!.id, 1]],
  )
  t.same(proposals.get(honest.id)!.leftOut, [])
  t.end()
})

/** A DAO in which everything happens, also what must not. */
function busyDao(): TestDao {
  const dao = new TestDao(['16', '9', '4', '1'], { guardians: [testMember(2).id], maxOpenProposals: 3 })
  const [a, b, c, d] = dao.members
  dao.put(c!, createDelegate(dao.state(), c!.id, b!.id))
  const first = proposalIn(dao)
  voteIn(dao, 0, first, 0)
  voteIn(dao, 1, first, 1)
  const guest = testMember(50)
  dao.put(a!, createMemberAdd(dao.state(), a!.id, entryOf(guest, '25')))
  dao.put(b!, createMemberRotate(dao.state(), b!.id, testMember(2, 1).identity))
  const second = proposalIn(dao, 2)
  dao.sign(b!, 'vote', { proposal: second.id, ballot: single(0) })
  dao.useKeys(b!, testMember(2, 1).identity)
  dao.sign(b!, 'vote', { proposal: second.id, ballot: single(1) })
  dao.sign(b!, 'vote', { proposal: first.id, ballot: single(2) }, { at: { seq: 0, prev: null } })
  dao.sign(guest, 'vote', { proposal: second.id, ballot: single(0) })
  dao.sign(guest, 'vote', { proposal: first.id, ballot: single(0) })
  dao.sign(guest, 'delegate', { to: a!.id })
  const third = dao.put(guest, createProposal(dao.state(), { ...draft, author: guest.id }))
  dao.sign(d!, 'vote', { proposal: third.id, ballot: single(0) })
  dao.sign(d!, 'vote', { proposal: third.id, ballot: single(1) }, { at: { seq: 0, prev: null } })
  dao.sign(d!, 'delegate', { to: a!.id })
  dao.sign(d!, 'delegate', { to: b!.id }, { at: { seq: 0, prev: null } })
  dao.sign(b!, 'veto', { proposal: first.id, reason: 'no' })
  dao.sign(a!, 'cancel', { proposal: first.id, reason: 'mine' })
  dao.sign(a!, 'execution', { proposal: third.id, action: 0, outcome: 'executed', detail: '' })
  dao.sign(d!, 'artifact', { digest: '0'.repeat(64), index: 0, of: 1, bytes: Uint8Array.of(1) })
  dao.sign(testMember(77), 'delegate', { to: a!.id })
  return dao
}

t.test('any order, repetition and merge of the same records gives the same state', (t) => {
  const dao = busyDao()
  const [genesis] = dao.records
  // Signatures are checked once: this is about order.
  const checked = new Map<string, boolean>()
  const verify: typeof verifyRecord = (signed, keys) => {
    const key = `${signed.id} ${Buffer.from(keys.ed25519).toString('hex')}`
    let good = checked.get(key)
    if (good === undefined) checked.set(key, (good = verifyRecord(signed, keys)))
    return good
  }
  const expected = shownState(replay(dao.records, { verify }))
  t.matchOnly((expected as { proposals: unknown[] }).proposals.length, 3)
  fc.assert(
    fc.property(
      fc.shuffledSubarray([...dao.records, ...dao.records.slice(5, 15)], {
        minLength: dao.records.length + 10,
      }),
      fc.nat(dao.records.length),
      (records, pause) => {
        const running = createReplay(genesis!, { verify })
        for (const [index, record] of records.entries()) {
          // Looking at it in between must leave no trace.
          if (index === pause) void shownState(running.state())
          running.add(record)
        }
        t.same(shownState(running.state()), expected)
      },
    ),
    { seed: 3, numRuns: 60 },
  )
  t.end()
})

t.test('a state that was handed out stays as it was', (t) => {
  const dao = new TestDao(['16', '9'])
  const proposal = proposalIn(dao)
  const running = createReplay(dao.records[0]!)
  running.add(proposal)
  const state = running.state()
  t.equal(running.state(), state, 'the same object while there is nothing new')
  t.equal(running.add(proposal), false)
  t.equal(running.add(voteIn(dao, 0, proposal, 0)), true)
  t.equal(state.proposals.get(proposal.id)!.voices.length, 0)
  const view = running.state().proposals.get(proposal.id)
  running.add(dao.sign(dao.members[0]!, 'vote', { proposal: dao.dao, ballot: single(0) }))
  t.equal(running.state().proposals.get(proposal.id), view, 'what came for another changes no view')
  t.equal(running.state().proposals.get(proposal.id)!.voices.length, 1)
  t.equal(running.state().recordCount, 3)
  t.equal(running.state().rejected.length, 1)
  t.ok(running.has(proposal.id))
  t.ok(running.knows(dao.members[0]!.id))
  t.notOk(running.knows(testMember(70).id))
  t.equal(running.electorateAt([]).size, 2)
  t.throws(() => running.electorateAt([[dao.members[0]!.id, 1, dao.dao]]), { code: 'DAO_RECORD_MISSING' })
  t.end()
})

t.test('a batch on threads gives the same state', async (t) => {
  const dao = busyDao()
  await using verifier = createVerifier({ threads: 0 })
  const running = createReplay(dao.records[0]!)
  await running.addAll(dao.records.toReversed(), { verifier })
  t.same(shownState(running.state()), shownState(replay(dao.records)))
  const plain = createReplay(dao.records[0]!)
  await plain.addAll(dao.records, { signal: new AbortController().signal })
  t.same(shownState(plain.state()), shownState(running.state()))
})

t.test('the records of a DAO are found among others, never merged', (t) => {
  const dao = new TestDao(['16'])
  const other = new TestDao(['16'], { name: 'Other' })
  const both = [...dao.records, ...other.records]
  t.throws(() => replay([]), { code: 'DAO_GENESIS_MISSING' })
  t.throws(() => replay(both), { code: 'DAO_GENESIS_AMBIGUOUS' })
  t.equal(replay(both, { dao: dao.dao }).constitution.name, 'Test')
  t.same(replay(both, { dao: dao.dao }).rejected, [
    { id: other.dao, code: 'DAO_OTHER_DAO', isWaiting: false },
  ])
  t.equal(findGenesis([...dao.records, ...dao.records]).id, dao.dao)
  t.end()
})
