import t from 'tap'
import { auditOf, createProposal } from '@x0t/dao'
import { hourMs, startMs, TestDao } from './support/test-dao.ts'

t.test('the audit shows what splitting a balance gains: √k for k accounts', (t) => {
  const dao = new TestDao(['100', '25', '4', '1'])
  const { weights, tokens, weight } = auditOf(dao.state(), startMs)
  t.same(
    weights.map(({ balance, weight: root, percent }) => [balance, root, percent]),
    // Weights 10, 5, 2, 1 of 18.
    [
      ['100', '10.000', '55.55'],
      ['25', '5.000', '27.77'],
      ['4', '2.000', '11.11'],
      ['1', '1.000', '5.55'],
    ],
  )
  // √200 = 14.142… of 22.142… is 63.869 %; √1000 = 31.622… of 39.622….
  t.same(weights[0]!.percentIfSplit, { over2: '63.86', over10: '79.80' })
  // 100 of 130 tokens; 10 of 18 of the weight: one member has more than half of either.
  t.same(tokens, { largestPercent: '76.92', membersForHalf: 1 })
  t.same(weight, { largestPercent: '55.55', membersForHalf: 1 })
  t.same(auditOf(new TestDao(['4', '4', '4']).state(), startMs).weight.membersForHalf, 2)
  t.same(auditOf(new TestDao(['0']).state(), startMs).tokens, { largestPercent: '0.00', membersForHalf: 1 })
  t.end()
})

t.test('the audit names who equivocated and which witnesses are missing', (t) => {
  const dao = new TestDao(['16', '9'])
  const [a, b] = dao.members
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
  const proposal = dao.put(a!, createProposal(dao.state(), draft))
  for (const choice of [0, 1]) {
    const ballot = { kind: 'single', choice } as const
    dao.sign(b!, 'vote', { proposal: proposal.id, ballot }, { at: { seq: 0, prev: null } })
  }
  const early = auditOf(dao.state(), startMs)
  t.same(
    early.equivocations.map(({ author }) => author),
    [b!.id],
  )
  t.same(early.missingWitnesses, [])
  t.same(early.leftOut, [])
  const late = auditOf(dao.state(), startMs + 2 * hourMs)
  t.same(late.missingWitnesses, [{ proposal: proposal.id, witnesses: [a!.id, b!.id].toSorted() }])
  t.end()
})
