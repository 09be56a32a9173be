import t from 'tap'
import { createMemberBalance, createProposal, resultOf } from '@x0t/dao'
import { startMs, TestDao } from '../../dao/test/support/test-dao.ts'
import { detailsOf } from '../src/commands/dao/proposal-report.ts'
import { proposalView } from '../src/views/dao.ts'

t.test('a proposal whose electorate leaves out older changes says of whom', async (t) => {
  const dao = new TestDao(['16', '9'])
  const [a, b] = dao.members
  const choices = [
    { label: 'yes', role: 'for' },
    { label: 'no', role: 'against' },
  ] as const
  const draft = { title: 'Loss', text: '', choices, opensMs: startMs, author: b!.id }
  const stale = createProposal(dao.state(), draft)
  dao.put(a!, createMemberBalance(dao.state(), a!.id, { id: b!.id, balance: '1', reason: 'slashed' }))
  const cheat = dao.sign(b!, stale.kind, stale.body, { atMs: startMs + 1 })
  const fresh = createProposal(dao.state(), draft)
  const honest = dao.sign(b!, fresh.kind, fresh.body, { atMs: startMs + 2 })
  const state = dao.state()
  const shown = (id: typeof cheat.id): string => {
    const view = state.proposals.get(id)!
    return proposalView(detailsOf(state, view, resultOf(state, id, startMs + 3)), startMs + 3)
  }
  const name = state.members.get(b!.id)!.name
  t.match(shown(cheat.id), `older changes of ${name}`)
  t.notMatch(shown(honest.id), 'older changes')
})
