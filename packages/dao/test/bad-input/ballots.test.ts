// Bad input: ballots for unknown proposals, choices and members, and of the wrong kind.
import t from 'tap'
import { createVote, recordIdOf, tallyOf, type Ballot } from '@x0t/dao'
import { codeOf, opensMs, rejectionOf, smallDao, wholeScores } from './small-dao.ts'

const nowhere = recordIdOf(Buffer.from('no proposal of this DAO'))
const yes: Ballot = { kind: 'single', choice: 0 }

t.test('a vote on a proposal that is not here is DAO_PROPOSAL_UNKNOWN', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const vote = (): unknown =>
    createVote(dao.state(), dao.id('anna'), { proposal: nowhere, ballot: yes, nowMs: opensMs })
  t.equal(codeOf(vote), 'DAO_PROPOSAL_UNKNOWN')
  t.end()
})

t.test('a signed ballot for an unknown proposal waits for it, and counts once it comes', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const stray = dao.sign('anna', 'vote', { proposal: nowhere, ballot: yes })
  const { rejected } = dao.state()
  t.match(rejected, [{ id: stray.id, code: 'DAO_PROPOSAL_UNKNOWN', isWaiting: true }])
  t.end()
})

t.test('a choice that is not offered is DAO_CHOICE_UNKNOWN, and counts for nothing', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  for (const choice of [3, 63]) {
    const vote = (): unknown =>
      createVote(dao.state(), dao.id('ben'), { proposal, ballot: { kind: 'single', choice }, nowMs: opensMs })
    t.equal(codeOf(vote), 'DAO_CHOICE_UNKNOWN', `choice ${choice}`)
  }
  dao.vote('ben', proposal, 1)
  const forced = dao.sign('ben', 'vote', { proposal, ballot: { kind: 'single', choice: 3 } })
  const state = dao.state()
  t.equal(rejectionOf(state, forced), 'DAO_CHOICE_UNKNOWN')
  t.same(
    wholeScores(tallyOf(state.proposals.get(proposal)!).scores),
    ['0', '4', '0'],
    'the one before counts',
  )
  t.end()
})

t.test('numbers that are no index of a choice make no record: DAO_RECORD_MALFORMED', (t) => {
  const dao = smallDao({ anna: '9' })
  const proposal = dao.propose('anna')
  for (const choice of [-1, 0.5, NaN, Infinity, 2 ** 53, '0' as unknown as number]) {
    const vote = (): unknown => dao.sign('anna', 'vote', { proposal, ballot: { kind: 'single', choice } })
    t.equal(codeOf(vote), 'DAO_RECORD_MALFORMED', String(choice))
  }
  t.end()
})

t.test('a ballot of another method is DAO_BALLOT_KIND', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  const others: readonly Ballot[] = [
    { kind: 'ranking', ranking: [0, 1] },
    { kind: 'approval', choices: [0] },
    { kind: 'credits', votes: [[0, '3']] },
  ]
  for (const ballot of others) {
    const vote = (): unknown => createVote(dao.state(), dao.id('ben'), { proposal, ballot, nowMs: opensMs })
    t.equal(codeOf(vote), 'DAO_BALLOT_KIND', ballot.kind)
    const forced = dao.sign('ben', 'vote', { proposal, ballot })
    t.equal(rejectionOf(dao.state(), forced), 'DAO_BALLOT_KIND', `${ballot.kind}, signed all the same`)
  }
  t.equal(tallyOf(dao.state().proposals.get(proposal)!).turnout.members, 0)
  t.end()
})

t.test('more votes than the credits pay for are DAO_BUDGET_EXCEEDED', (t) => {
  // 3² + 2² = 13 credits; ben has 12.
  const dao = smallDao({ anna: '13', ben: '12' }, {})
  const proposal = dao.propose('anna', {
    choices: [
      { label: 'a', role: 'option' },
      { label: 'b', role: 'option' },
    ],
    rules: {
      method: 'quadratic-credits',
      decimals: 0,
      split: 'none',
      budget: { kind: 'balance' },
      decides: 'plurality',
      support: null,
      quorum: null,
      tiebreak: 'none',
      closesEarly: false,
      lateQuorumMs: null,
    },
  })
  const ballot: Ballot = {
    kind: 'credits',
    votes: [
      [0, '3'],
      [1, '-2'],
    ],
  }
  const vote = (name: string) => (): unknown =>
    createVote(dao.state(), dao.id(name), { proposal, ballot, nowMs: opensMs })
  t.equal(codeOf(vote('anna')), null)
  t.equal(codeOf(vote('ben')), 'DAO_BUDGET_EXCEEDED')
  const forced = dao.sign('ben', 'vote', { proposal, ballot })
  t.equal(rejectionOf(dao.state(), forced), 'DAO_BUDGET_EXCEEDED')
  t.end()
})

t.test('a stranger has no vote: DAO_NOT_IN_SNAPSHOT, and its record DAO_NOT_A_MEMBER', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  const vote = (): unknown =>
    createVote(dao.state(), dao.id('mallory'), { proposal, ballot: yes, nowMs: opensMs })
  t.equal(codeOf(vote), 'DAO_NOT_IN_SNAPSHOT')
  const forced = dao.sign('mallory', 'vote', { proposal, ballot: yes })
  t.equal(rejectionOf(dao.state(), forced), 'DAO_NOT_A_MEMBER')
  t.end()
})

t.test('who became a member after the proposal has no vote in it: DAO_NOT_IN_SNAPSHOT', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  const late = dao.member('late')
  const keys = { ed25519: late.ed25519.publicRaw, mldsa65: late.mldsa65.publicRaw }
  dao.sign('anna', 'member.add', {
    member: { id: late.nodeId, name: 'late', keys, balance: '1000' },
    change: 1,
  })
  t.ok(dao.state().members.has(late.nodeId))
  const vote = (): unknown => createVote(dao.state(), late.nodeId, { proposal, ballot: yes, nowMs: opensMs })
  t.equal(codeOf(vote), 'DAO_NOT_IN_SNAPSHOT')
  const forced = dao.sign('late', 'vote', { proposal, ballot: yes })
  t.equal(rejectionOf(dao.state(), forced), 'DAO_NOT_IN_SNAPSHOT')
  t.same(wholeScores(tallyOf(dao.state().proposals.get(proposal)!).scores), ['0', '0', '0'])
  t.end()
})

t.test('a ballot of another DAO is DAO_OTHER_DAO', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  const foreign = dao.sign('anna', 'vote', { proposal, ballot: yes }, { dao: nowhere })
  t.equal(rejectionOf(dao.state(), foreign), 'DAO_OTHER_DAO')
  t.end()
})
