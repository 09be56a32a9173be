// Bad input: double votes. Voting again is allowed; two ballots with one number are not.
import fc from 'fast-check'
import t from 'tap'
import { replay, tallyBytes, tallyOf, type DaoState, type RecordId } from '@x0t/dao'
import { smallDao, wholeScores, type SmallDao } from './small-dao.ts'

const scoresOf = (state: DaoState, proposal: RecordId): readonly string[] =>
  wholeScores(tallyOf(state.proposals.get(proposal)!).scores)

t.setTimeout(120_000)

/** anna 3, ben 4, carl 5 votes; carl signs two ballots with the number 0, for yes and for no. */
function twoFaced(): { dao: SmallDao; proposal: RecordId; pair: readonly RecordId[] } {
  const dao = smallDao({ anna: '9', ben: '16', carl: '25' })
  const proposal = dao.propose('anna')
  dao.vote('anna', proposal, 0)
  dao.vote('ben', proposal, 1)
  const pair = [dao.vote('carl', proposal, 0), dao.vote('carl', proposal, 1, { seq: 0, prev: null })]
  return { dao, proposal, pair: pair.map(({ id }) => id).toSorted() }
}

t.test('who votes again replaces the ballot before, and weighs no more', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  for (const choice of [0, 1, 0, 1]) dao.vote('ben', proposal, choice)
  t.same(scoresOf(dao.state(), proposal), ['0', '4', '0'])
  t.equal(tallyOf(dao.state().proposals.get(proposal)!).turnout.members, 1)
  t.end()
})

t.test('a ballot that comes twice, or before the one that it follows, counts once', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  for (const choice of [0, 1]) dao.vote('ben', proposal, choice)
  const state = replay([...dao.records.toReversed(), ...dao.records])
  t.same(scoresOf(state, proposal), ['0', '4', '0'])
  t.end()
})

t.test('two ballots with one number are both void, and are kept as the proof of it', (t) => {
  const { dao, proposal, pair } = twoFaced()
  const state = dao.state()
  t.same(scoresOf(state, proposal), ['3', '4', '0'])
  t.match(state.equivocations, [{ author: dao.id('carl'), lane: `vote:${proposal}`, seq: 0, records: pair }])
  t.end()
})

t.test('a ballot before the doubled number stays; what is signed after it counts no more', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  const first = dao.vote('ben', proposal, 0)
  dao.vote('ben', proposal, 1)
  const twin = dao.vote('ben', proposal, 2, { seq: 1, prev: first.id })
  dao.vote('ben', proposal, 1, { seq: 2, prev: twin.id })
  t.same(scoresOf(dao.state(), proposal), ['4', '0', '0'])
  t.end()
})

t.test('an equivocator harms its own ballot in this vote, and nothing else', (t) => {
  const { dao, proposal } = twoFaced()
  const other = dao.propose('ben')
  dao.vote('carl', other, 0)
  t.same(scoresOf(dao.state(), other), ['5', '0', '0'])
  t.same(scoresOf(dao.state(), proposal), ['3', '4', '0'])
  t.end()
})

t.test('in whatever order the records come, the bytes of the tally are the same', (t) => {
  const { dao, proposal } = twoFaced()
  const expected = Buffer.from(tallyBytes(tallyOf(dao.state().proposals.get(proposal)!)))
  const equivocations = dao.state().equivocations
  const orders = fc.shuffledSubarray([...dao.records], { minLength: dao.records.length })
  fc.assert(
    fc.property(orders, (records) => {
      const state = replay(records)
      return (
        expected.equals(tallyBytes(tallyOf(state.proposals.get(proposal)!))) &&
        JSON.stringify(state.equivocations) === JSON.stringify(equivocations)
      )
    }),
    { numRuns: 30 },
  )
  t.end()
})

t.test('two proposals with one number are void: nobody can show each side another question', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  const { record } = dao.records.find(({ id }) => id === proposal)!
  if (record.kind !== 'proposal') throw new TypeError('no proposal')
  const { seq, prev } = record
  const twin = dao.sign('anna', 'proposal', { ...record.body, title: 'Another question' }, { seq, prev })
  const state = dao.state()
  t.equal(state.proposals.size, 0)
  for (const id of [proposal, twin.id])
    t.equal(state.rejected.find((one) => one.id === id)?.code, 'DAO_EQUIVOCATION')
  t.match(state.equivocations, [{ author: dao.id('anna'), lane: 'member', seq }])
  t.end()
})
