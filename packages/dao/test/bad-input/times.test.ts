// Bad input: ballots before opening and after closing, clocks that are years apart.
import t from 'tap'
import { createVote, replay, resultOf, tallyBytes, tallyOf, type Ballot } from '@x0t/dao'
import { closesMs, codeOf, opensMs, rejectionOf, smallDao, votingMs, wholeScores } from './small-dao.ts'

const yes: Ballot = { kind: 'single', choice: 0 }
const yearMs = 365 * 86_400_000

t.test('a vote before the opening is DAO_NOT_OPEN, one after the end DAO_CLOSED', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  const at = (nowMs: number) => (): unknown =>
    createVote(dao.state(), dao.id('ben'), { proposal, ballot: yes, nowMs })
  t.equal(codeOf(at(opensMs - 1)), 'DAO_NOT_OPEN')
  t.equal(codeOf(at(0)), 'DAO_NOT_OPEN')
  t.equal(codeOf(at(opensMs)), null)
  t.equal(codeOf(at(closesMs - 1)), null)
  t.equal(codeOf(at(closesMs)), 'DAO_CLOSED')
  t.equal(codeOf(at(closesMs + 50 * yearMs)), 'DAO_CLOSED')
  t.end()
})

t.test('a vote on a proposal that was taken back is DAO_CLOSED', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  dao.sign('anna', 'cancel', { proposal, reason: 'a mistake' })
  const vote = (): unknown =>
    createVote(dao.state(), dao.id('ben'), { proposal, ballot: yes, nowMs: opensMs })
  t.equal(codeOf(vote), 'DAO_CLOSED')
  t.end()
})

t.test('the time that a ballot claims decides nothing: years before, years after, the same count', (t) => {
  const bytes = [0, opensMs, closesMs + yearMs, 253_402_300_799_999].map((atMs) => {
    const dao = smallDao({ anna: '9', ben: '16' })
    const proposal = dao.propose('anna')
    dao.vote('ben', proposal, 1, { atMs })
    return Buffer.from(tallyBytes(tallyOf(dao.state().proposals.get(proposal)!))).toString('hex')
  })
  t.equal(new Set(bytes).size, 1)
  t.end()
})

t.test('of two ballots the one with the higher number counts, though its clock is ten years behind', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  dao.vote('ben', proposal, 0, { atMs: opensMs })
  dao.vote('ben', proposal, 1, { atMs: opensMs - 10 * yearMs })
  t.same(wholeScores(tallyOf(replay(dao.records).proposals.get(proposal)!).scores), ['0', '4', '0'])
  t.end()
})

t.test('nodes whose clocks are years apart count the same, and none calls it final', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  dao.vote('ben', proposal, 0)
  const state = dao.state()
  const results = [-40, -1, 0, 1, 40].map((years) => resultOf(state, proposal, opensMs + years * yearMs))
  t.same(
    results.map((one) => one.state),
    ['pending', 'pending', 'open', 'unsealed', 'unsealed'],
  )
  t.ok(results.every(({ isFinal, executableAtMs }) => !isFinal && executableAtMs === null))
  const bytes = results.map(({ tally }) => Buffer.from(tallyBytes(tally)).toString('hex'))
  t.equal(new Set(bytes).size, 1)
  t.end()
})

t.test(
  'times that no clock has make no record; less time than the constitution asks is DAO_TIMES_INVALID',
  (t) => {
    const dao = smallDao({ anna: '9', ben: '16' }, { votingMs, graceMs: 10 })
    const code = (draft: Parameters<typeof dao.propose>[1]) => codeOf(() => dao.propose('anna', draft))
    t.equal(code({ closesMs: closesMs - 1 }), 'DAO_TIMES_INVALID')
    t.equal(code({ closesMs: opensMs - yearMs }), 'DAO_TIMES_INVALID')
    t.equal(code({ graceMs: 9 }), 'DAO_TIMES_INVALID')
    for (const wrong of [NaN, -1, 0.5, Infinity, 1e300])
      t.ok(code({ opensMs: wrong, closesMs: wrong }), `opens and closes at ${wrong}`)
    t.equal(dao.state().proposals.size, 0)
    t.end()
  },
)

t.test('a record of such a proposal, signed all the same, is DAO_TIMES_INVALID for everybody', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' }, { votingMs })
  const proposal = dao.propose('anna')
  const { record } = dao.records.find(({ id }) => id === proposal)!
  if (record.kind !== 'proposal') throw new TypeError('no proposal')
  const forged = dao.sign('anna', 'proposal', { ...record.body, closesMs: opensMs + 1 })
  t.equal(rejectionOf(dao.state(), forged), 'DAO_TIMES_INVALID')
  t.end()
})
