// Bad input: two certificates, witnesses that lie, ballots after the certificate.
import t from 'tap'
import {
  ballotSetRoot,
  certificatesOf,
  createVote,
  culpritsOf,
  proposerOf,
  resultOf,
  tallyBytes,
  type RecordId,
  type SealBody,
  type SignedProposal,
  type SignedRecord,
} from '@x0t/dao'
import { closesMs, codeOf, opensMs, rejectionOf, smallDao, wholeScores, type SmallDao } from './small-dao.ts'

// Four witnesses: three signatures make a certificate, one witness may lie.
const names = ['anna', 'ben', 'carl', 'dora'] as const
type Name = (typeof names)[number]
const balances = { anna: '9', ben: '16', carl: '25', dora: '1' }
const nowMs = closesMs + 1000

interface Vote {
  readonly dao: SmallDao
  readonly proposal: RecordId
  readonly ballots: readonly RecordId[]
}

function voted(): Vote {
  const dao = smallDao(balances)
  const proposal = dao.propose('anna')
  const ballots = [dao.vote('anna', proposal, 0), dao.vote('ben', proposal, 1), dao.vote('carl', proposal, 0)]
  return { dao, proposal, ballots: ballots.map(({ id }) => id).toSorted() }
}

type Step = 'propose' | 'prepare' | 'commit'

function step(
  { dao, proposal }: Vote,
  name: Name,
  what: { readonly step: Step; readonly round: number; readonly set: readonly RecordId[] },
  declarations: readonly RecordId[] = [],
): SignedRecord {
  const { set, round } = what
  const body: SealBody = {
    proposal,
    step: what.step,
    round,
    root: ballotSetRoot(set),
    count: set.length,
    declarations,
    validRound: null,
  }
  return dao.sign(name, 'seal', body)
}

/** Everything that makes a set final: declarations, the proposal of it, `by` prepares and commits in a round. */
function close(vote: Vote, set: readonly RecordId[], by: readonly Name[], round = 0): void {
  const { dao, proposal } = vote
  const declarations = names.map(
    (name) => dao.sign(name, 'seal', { proposal, step: 'declare', part: 0, of: 1, ballots: set }).id,
  )
  const proposer = names.find(
    (name) =>
      dao.id(name) ===
      proposerOf(
        names.map((name) => dao.id(name)),
        round,
      ),
  )!
  step(vote, proposer, { step: 'propose', round, set }, declarations.toSorted())
  for (const what of ['prepare', 'commit'] as const)
    for (const name of by) step(vote, name, { step: what, round, set })
}

const closingOf = ({ dao, proposal }: Vote): [SignedProposal, readonly SignedRecord[]] => [
  dao.records.find(({ id }) => id === proposal) as SignedProposal,
  dao.records.filter(({ record }) => record.kind === 'seal'),
]

t.test('three signatures of four make the set final', (t) => {
  const vote = voted()
  close(vote, vote.ballots, ['anna', 'ben', 'carl'])
  const result = resultOf(vote.dao.state(), vote.proposal, nowMs)
  t.ok(result.isFinal)
  t.same(wholeScores(result.tally.scores), ['8', '4', '0'])
  t.end()
})

t.test('two signatures of four do not, whatever they say', (t) => {
  const vote = voted()
  close(vote, vote.ballots, ['anna', 'ben'])
  const result = resultOf(vote.dao.state(), vote.proposal, nowMs)
  t.notOk(result.isFinal)
  t.equal(result.executableAtMs, null)
  t.end()
})

t.test(
  'a ballot after the certificate is DAO_CLOSED, and changes no byte if it is signed all the same',
  (t) => {
    const vote = voted()
    const { dao, proposal } = vote
    close(vote, vote.ballots, ['anna', 'ben', 'carl'])
    const before = Buffer.from(tallyBytes(resultOf(dao.state(), proposal, nowMs).tally))
    const late = (): unknown =>
      createVote(dao.state(), dao.id('dora'), {
        proposal,
        ballot: { kind: 'single', choice: 1 },
        nowMs: opensMs,
      })
    t.equal(codeOf(late), 'DAO_CLOSED')
    dao.sign('dora', 'vote', { proposal, ballot: { kind: 'single', choice: 1 } })
    dao.sign('anna', 'vote', { proposal, ballot: { kind: 'single', choice: 1 } })
    const { tally, isFinal } = resultOf(dao.state(), proposal, nowMs)
    t.ok(isFinal)
    t.ok(before.equals(tallyBytes(tally)))
    t.end()
  },
)

t.test('who shows a second face after the certificate changes nothing that was certified', (t) => {
  const vote = voted()
  const { dao, proposal } = vote
  close(vote, vote.ballots, ['anna', 'ben', 'carl'])
  const before = Buffer.from(tallyBytes(resultOf(dao.state(), proposal, nowMs).tally))
  const twin = { proposal, ballot: { kind: 'single', choice: 1 } } as const
  dao.sign('carl', 'vote', twin, { seq: 0, prev: null })
  const state = dao.state()
  t.ok(before.equals(tallyBytes(resultOf(state, proposal, nowMs).tally)))
  t.match(state.equivocations, [{ author: dao.id('carl'), lane: `vote:${proposal}`, seq: 0 }], 'it is told')
  t.end()
})

t.test('two certificates over two sets halt the proposal and name who signed both', (t) => {
  const vote = voted()
  const { dao, proposal, ballots } = vote
  close(vote, ballots, ['anna', 'ben', 'carl'])
  close(vote, ballots.slice(1), ['ben', 'carl', 'dora'])
  const state = dao.state()
  const result = resultOf(state, proposal, nowMs + 10 ** 10)
  t.equal(result.state, 'halted')
  t.equal(result.isFinal, false)
  t.same(
    state.proposals.get(proposal)!.culprits,
    [dao.id('ben'), dao.id('carl')].toSorted(),
    'more than the one of four that may lie',
  )
  t.equal(state.proposals.get(proposal)!.rivals.length, 1)
  t.end()
})

t.test('one witness that commits to two sets is named, and the certificate of the others stands', (t) => {
  const vote = voted()
  const { dao, proposal, ballots } = vote
  close(vote, ballots, ['anna', 'ben', 'carl'])
  step(vote, 'dora', { step: 'commit', round: 0, set: ballots })
  step(vote, 'dora', { step: 'commit', round: 0, set: ballots.slice(1) })
  t.match(culpritsOf(...closingOf(vote)), [{ witness: dao.id('dora'), fault: 'two-values' }])
  t.ok(resultOf(dao.state(), proposal, nowMs).isFinal)
  t.end()
})

t.test('a lying witness cannot make up a ballot: a set with one that nobody holds is never final', (t) => {
  const vote = voted()
  const { dao, proposal, ballots } = vote
  const invented = 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy' as RecordId
  close(vote, [...ballots, invented].toSorted(), ['anna', 'ben', 'carl'])
  const result = resultOf(dao.state(), proposal, nowMs)
  t.notOk(result.isFinal)
  t.equal(result.state, 'closing')
  t.end()
})

t.test('a commit of somebody who is no witness is DAO_NOT_A_WITNESS', (t) => {
  const dao = smallDao(balances, { witnesses: names.slice(0, 3).map((name) => smallDao(balances).id(name)) })
  const proposal = dao.propose('anna')
  const vote = { dao, proposal, ballots: [dao.vote('anna', proposal, 0).id] }
  close(vote, vote.ballots, ['anna', 'ben', 'dora'])
  const state = dao.state()
  const byDora = dao.records.filter(
    ({ record }) => record.kind === 'seal' && record.author === dao.id('dora'),
  )
  t.ok(byDora.length > 1)
  for (const seal of byDora) t.equal(rejectionOf(state, seal), 'DAO_NOT_A_WITNESS')
  t.equal(certificatesOf(...closingOf(vote)).certificate, null)
  t.end()
})

t.test('a commit that another signed in the name of a witness is DAO_SIGNATURE_INVALID', (t) => {
  const vote = voted()
  const { dao, proposal, ballots } = vote
  close(vote, ballots, ['anna', 'ben'])
  const forged = dao.sign(
    'carl',
    'seal',
    {
      proposal,
      step: 'commit',
      round: 0,
      root: ballotSetRoot(ballots),
      count: ballots.length,
      declarations: [],
      validRound: null,
    },
    { signer: dao.member('dora') },
  )
  const state = dao.state()
  t.equal(rejectionOf(state, forged), 'DAO_SIGNATURE_INVALID')
  t.equal(state.proposals.get(proposal)!.certificate, null)
  t.end()
})

t.test('witnesses that say nothing are named; the proposal is unsealed and nothing is due', (t) => {
  const { dao, proposal } = voted()
  const result = resultOf(dao.state(), proposal, nowMs)
  t.equal(result.state, 'unsealed')
  t.same(result.missingWitnesses.toSorted(), names.map((name) => dao.id(name)).toSorted())
  t.equal(result.executableAtMs, null)
  t.end()
})
