import t from 'tap'
import {
  createCancel,
  createDelegate,
  createMemberAdd,
  createMemberBalance,
  createMemberRemove,
  createMemberRotate,
  createProposal,
  createVeto,
  createVote,
  memberKeysOf,
  memberWithKeys,
} from '@x0t/dao'
import { entryOf, startMs, TestDao, testMember } from './support/test-dao.ts'

const dao = new TestDao(['16', '9', '4'])
const [a, b] = dao.members
const state = dao.state()
const stranger = testMember(70)
const draft = {
  author: a!.id,
  title: 'x',
  text: '',
  opensMs: startMs,
  choices: [
    { label: 'yes', role: 'for' },
    { label: 'no', role: 'against' },
  ],
} as const

t.test('who is no registrar, no member, no guardian is told so', (t) => {
  const balance = { id: a!.id, balance: '1', reason: '' }
  const guest = entryOf(stranger, '1')
  t.throws(() => createMemberAdd(state, b!.id, guest), { code: 'DAO_NOT_A_REGISTRAR' })
  t.throws(() => createMemberRemove(state, b!.id, { id: b!.id, reason: '' }), { code: 'DAO_NOT_A_REGISTRAR' })
  t.throws(() => createMemberBalance(state, b!.id, balance), { code: 'DAO_NOT_A_REGISTRAR' })
  t.throws(() => createDelegate(state, stranger.id, a!.id), { code: 'DAO_NOT_A_MEMBER' })
  t.throws(() => createMemberRotate(state, stranger.id, stranger.identity), { code: 'DAO_NOT_A_MEMBER' })
  t.throws(() => createProposal(state, { ...draft, author: stranger.id }), { code: 'DAO_NOT_A_MEMBER' })
  t.throws(() => memberWithKeys(state, memberKeysOf(stranger.identity)), { code: 'DAO_NOT_A_MEMBER' })
  t.equal(memberWithKeys(state, memberKeysOf(b!.identity)), b!.id)
  t.end()
})

t.test('a change of the registry is checked before it is signed', (t) => {
  t.throws(() => createMemberAdd(state, a!.id, entryOf(b!, '1')), { code: 'DAO_MEMBER_EXISTS' })
  t.throws(() => createMemberAdd(state, a!.id, entryOf(stranger, '1.5')), { code: 'DAO_AMOUNT_INVALID' })
  const unknown = { id: stranger.id, balance: '1', reason: '' }
  t.throws(() => createMemberBalance(state, a!.id, unknown), { code: 'DAO_MEMBER_UNKNOWN' })
  t.throws(() => createMemberBalance(state, a!.id, { ...unknown, id: b!.id, balance: '-1' }), {
    code: 'DAO_AMOUNT_INVALID',
  })
  t.throws(() => createMemberRemove(state, a!.id, unknown), { code: 'DAO_MEMBER_UNKNOWN' })
  t.end()
})

t.test('a ballot is checked before it is signed, and put in the order that a record has', (t) => {
  const own = new TestDao(['16', '9', '4'])
  const rules = {
    ...state.constitution.rules,
    method: 'approval',
    decides: 'plurality',
    support: null,
  } as const
  const options = ['x', 'y', 'z'].map((label) => ({ label, role: 'option' }) as const)
  const approval = own.put(
    a!,
    createProposal(own.state(), { ...draft, choices: options, rules: { ...rules, quorum: null } }),
  )
  const motion = own.put(a!, createProposal(own.state(), draft))
  const now = own.state()
  const vote = (proposal: string, ballot: object, author = b!.id) =>
    createVote(now, author, { proposal: proposal as never, ballot: ballot as never, nowMs: startMs })
  t.same(vote(approval.id, { kind: 'approval', choices: [2, 0] }).body.ballot, {
    kind: 'approval',
    choices: [0, 2],
  })
  t.same(vote(approval.id, { kind: 'approval', choices: [] }).lane, `vote:${approval.id}`)
  t.throws(() => vote(motion.id, { kind: 'single', choice: 2 }), { code: 'DAO_CHOICE_UNKNOWN' })
  t.throws(() => vote(motion.id, { kind: 'ranking', ranking: [0] }), { code: 'DAO_BALLOT_KIND' })
  t.throws(
    () =>
      vote(motion.id, {
        kind: 'shares',
        shares: [
          [1, '1'],
          [0, '1'],
        ],
      }),
    { code: 'DAO_BALLOT_KIND' },
  )
  t.throws(
    () =>
      vote(motion.id, {
        kind: 'credits',
        votes: [
          [1, '1'],
          [0, '1'],
        ],
      }),
    { code: 'DAO_BALLOT_KIND' },
  )
  t.throws(() => vote(own.dao, { kind: 'single', choice: 0 }), { code: 'DAO_PROPOSAL_UNKNOWN' })
  t.throws(() => vote(motion.id, { kind: 'single', choice: 0 }, stranger.id), { code: 'DAO_NOT_IN_SNAPSHOT' })
  t.throws(() => createVeto(now, b!.id, { proposal: motion.id, reason: '' }), { code: 'DAO_NOT_A_GUARDIAN' })
  t.throws(() => createCancel(now, b!.id, { proposal: motion.id, reason: '' }), {
    code: 'DAO_NOT_THE_AUTHOR',
  })
  own.put(a!, createCancel(now, a!.id, { proposal: motion.id, reason: 'no' }))
  t.throws(
    () =>
      createVote(own.state(), b!.id, {
        proposal: motion.id,
        ballot: { kind: 'single', choice: 0 },
        nowMs: startMs,
      }),
    { code: 'DAO_CLOSED' },
  )
  t.end()
})

t.test('a proposal with actions or rules that do not fit is refused', (t) => {
  t.throws(
    () =>
      createProposal(state, {
        ...draft,
        actions: [{ type: 'update_threshold', key: 'no.such', value: '1' }],
      }),
    { code: 'DAO_ACTION_NOT_ALLOWED' },
  )
  t.throws(() => createProposal(state, { ...draft, choices: [{ label: 'x', role: 'option' }] }), {
    code: 'DAO_CHOICES_INVALID',
  })
  t.throws(() => createProposal(state, { ...draft, closesMs: startMs }), { code: 'DAO_TIMES_INVALID' })
  t.end()
})
