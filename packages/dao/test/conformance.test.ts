import { readFileSync } from 'node:fs'
import t from 'tap'
import { countElection, type Tally } from '../src/index.ts'

/** Each ballot, with how many voters cast it; the choices of Snapshot count from 1. */
interface Example {
  readonly choices: readonly string[]
  readonly scores: readonly number[]
  readonly scoresTotal: number
  readonly votes: readonly (readonly [choice: number | number[] | Record<string, number>, count: number])[]
}
const examples = JSON.parse(
  readFileSync(new URL('../../../fixtures/dao/snapshot-examples.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Example>>

function countExample(name: string, rules: string, balance = '1'): Tally {
  const { choices, votes } = examples[name]!
  const short = (choice: Example['votes'][number][0]): unknown => {
    if (typeof choice === 'number') return choice - 1
    if (Array.isArray(choice)) return choice.map((one) => one - 1)
    return Object.fromEntries(
      Object.entries(choice).map(([one, share]) => [String(Number(one) - 1), String(share)]),
    )
  }
  // Labels that are numbers would be taken for indexes' names: number all of them alike.
  const labels = choices.map((label, i) => `${i + 1}. ${label}`)
  return countElection({
    rules,
    choices: labels,
    ballots: votes.map(([choice, count]) => ({ balance, ballot: short(choice), count })),
  })
}

/** Floats of Snapshot have an error of some 10^−13; ours are rounded down at 10^−9. */
function near(found: Tally, scores: readonly number[], factor = 1): boolean {
  return found.scores.every(({ score }, i) => Math.abs(Number(score) - scores[i]! * factor) < 2e-9 * factor)
}

t.test('Snapshot: its examples of all methods have the scores that it publishes', (t) => {
  const methods = [
    ['singleChoice', 'snapshot-single-choice'],
    ['approval', 'snapshot-approval'],
    ['weighted', 'snapshot-weighted'],
    ['quadratic', 'snapshot-quadratic'],
    ['rankedChoice', 'snapshot-ranked-choice'],
  ] as const
  for (const [name, rules] of methods) {
    const { scores, scoresTotal } = examples[name]!
    const found = countExample(name, rules)
    t.ok(near(found, scores), `${name}: ${found.scores.map(({ score }) => score).join(', ')}`)
    t.equal(found.turnout.tokens, String(scoresTotal), name)
    t.match(found, { outcome: 'passed', winner: 0 })
    // The second example of each test: the same votes with a balance of 3, and three times the scores.
    t.ok(near(countExample(name, rules, '3'), scores, 3), `${name} with 3`)
  }
  t.end()
})

const ether = (amount: number): string => `${amount}${'0'.repeat(18)}`
const governor = (more: object, ...votes: (readonly [number, unknown])[]): Tally =>
  countElection({
    rules: { preset: 'openzeppelin-governor', decimals: 0, ...more },
    choices: ['For', 'Against', 'Abstain'],
    ballots: votes.map(([amount, ballot]) => ({ balance: ether(amount), ballot })),
    electorate: [{ balance: ether(100 - votes.reduce((sum, [amount]) => sum + amount, 0)) }],
  })

t.test('OpenZeppelin: Governor’s rules on the voters of its tests, 10, 7, 5 and 2 of 100', (t) => {
  // GovernorPreventLateQuorum.test.js, nominal workflow: 17 for, 5 against, 2 abstain; it is executed.
  const nominal = governor({}, [10, 'For'], [7, 'For'], [5, 'Against'], [2, 'Abstain'])
  t.equal(nominal.outcome, 'passed')
  t.same(
    nominal.scores.map(({ score }) => score),
    [ether(17), ether(5), ether(2)],
  )
  // GovernorVotesQuorumFraction.test.js: 8 % of 100; 10 reach it, 7 do not.
  const share = { quorum: { unit: 'tokens', counts: ['for', 'abstain'], share: '8/100', roundsDown: true } }
  t.equal(governor(share, [10, 'For']).outcome, 'passed')
  t.equal(governor(share, [7, 'For']).outcome, 'no-quorum')
  // _quorumReached: for and abstain count, against does not. _voteSucceeded: for > against, equal is a defeat.
  t.equal(governor(share, [7, 'For'], [2, 'Abstain']).outcome, 'passed')
  t.equal(governor(share, [7, 'For'], [5, 'Against']).outcome, 'no-quorum')
  t.equal(governor(share, [10, 'For'], [10, 'Against']).outcome, 'defeated')
  // GovernorCountingFractional.test.js: of 7, against 1, for 2, abstain 1 and then against with the rest: 4, 2, 1.
  const fractional = governor({ method: 'weighted' }, [7, { Against: '4', For: '2', Abstain: '1' }])
  t.same(
    fractional.scores.map(({ score }) => score),
    [ether(2), ether(4), ether(1)],
  )
  t.equal(fractional.checks[0]!.found, ether(3))
  t.end()
})

t.test('Compound: 400,000 for, of which abstentions and votes against are no part', (t) => {
  const bravo = (...votes: (readonly [number, string])[]): string =>
    countElection({
      rules: 'compound-bravo',
      choices: ['For', 'Against', 'Abstain'],
      ballots: votes.map(([amount, ballot]) => ({ balance: ether(amount), ballot })),
    }).outcome
  t.equal(bravo([400_000, 'For'], [399_999, 'Against']), 'passed')
  t.equal(bravo([399_999, 'For'], [5000, 'Abstain']), 'no-quorum')
  t.equal(bravo([400_000, 'For'], [400_000, 'Against']), 'defeated')
  t.end()
})

t.test('Aragon: support above half of for and against, participation of a tenth with abstentions', (t) => {
  const aragon = (...votes: (readonly [number, string])[]): string =>
    governor({ preset: 'aragon' }, ...votes).outcome
  t.equal(aragon([6, 'For'], [5, 'Against']), 'passed')
  t.equal(aragon([5, 'For'], [5, 'Against']), 'defeated')
  t.equal(aragon([5, 'For'], [1, 'Against'], [4, 'Abstain']), 'passed')
  t.equal(aragon([5, 'For'], [1, 'Against'], [3, 'Abstain']), 'no-quorum')
  t.end()
})

const scoresOf = (found: Tally): readonly string[] => found.scores.map(({ score }) => score)

t.test('Vocdoni: credits from the weight of the census, and votes times the weight without', (t) => {
  // vocdoni-node, TestBallotProtocolQuadratic: [[100016], [100033]], two votes over their cost are refused.
  const found = countElection({
    rules: { preset: 'vocdoni-quadratic', decimals: 0 },
    choices: ['a', 'b'],
    ballots: [
      { balance: '1000', ballot: { a: '10', b: '28' } },
      { balance: '50', ballot: { a: '5', b: '5' } },
      { balance: '20000000000', ballot: { a: '100000', b: '100000' } },
      { balance: '1', ballot: { a: '1', b: '0' } },
      { member: 'wrong 1', balance: '25', ballot: { a: '5', b: '1' } },
      { member: 'wrong 2', balance: '20000000000', ballot: { a: '100000', b: '112345' } },
    ],
  })
  t.same(scoresOf(found), ['100016', '100033'])
  t.same(
    found.voided.map(({ member, code }) => [member, code]),
    [
      ['wrong 1', 'DAO_BUDGET_EXCEEDED'],
      ['wrong 2', 'DAO_BUDGET_EXCEEDED'],
    ],
  )
  // vocdoni-sdk, quadratic election of 10 with 14 credits and votes [1, 0, 3, 2].
  const sdk = countElection({
    rules: { preset: 'vocdoni-quadratic', decimals: 0 },
    choices: ['a', 'b', 'c', 'd'],
    ballots: [{ balance: '14', count: 10, ballot: { a: '1', b: '0', c: '3', d: '2' } }],
  })
  t.same(scoresOf(sdk), ['10', '0', '30', '20'])
  // results.go, the example for maxValue 0 without costFromWeight: [1, 2, 3] of weight 10, [0, 3, 1] of weight 5.
  const weighted = countElection({
    rules: {
      preset: 'vocdoni-quadratic',
      decimals: 0,
      budget: { kind: 'fixed', credits: '14', isWeighted: true },
    },
    choices: ['a', 'b', 'c'],
    ballots: [
      { balance: '10', ballot: { a: '1', b: '2', c: '3' } },
      { balance: '5', ballot: { a: '0', b: '3', c: '1' } },
    ],
  })
  t.same(scoresOf(weighted), ['10', '35', '35'])
  t.end()
})

t.test('MACI: votes of QV add up, a vote of 9 takes 81 of 100 credits and 11 are too many', (t) => {
  // packages/core e2e.test.ts: user 1 votes 5 for option 0 (after 9), user 2 votes 3 for option 1; one of 9 for option 0.
  const maci = (...ballots: object[]): Tally =>
    countElection({
      rules: { preset: 'maci-quadratic', decimals: 0 },
      choices: ['0th', '1st'],
      ballots: ballots.map((ballot) => ({ balance: '1', ballot })),
    })
  t.same(scoresOf(maci({ '0th': '5' }, { '1st': '3' })), ['5', '3'])
  t.same(scoresOf(maci({ '0th': '9' })), ['9', '0'])
  t.equal(maci({ '0th': '11' }).voided[0]!.code, 'DAO_BUDGET_EXCEEDED')
  t.end()
})

t.test('Belenios: the counts of a test election, one voter one token', (t) => {
  // tests/data/{42e7b114-…}: 4 voters; results [1,0,1,0,0], [0,4,0,4,3,0], [1,1,2]. Its ballots are encrypted; the
  // bounds on answers leave one set of ballots for each question: at most 1, 2 to 3, and exactly 1 answer.
  const belenios = (
    labels: string,
    ...ballots: (readonly [ballot: string, count: number])[]
  ): readonly string[] =>
    scoresOf(
      countElection({
        rules: { preset: 'belenios-approval', decimals: 0 },
        choices: labels.split(''),
        ballots: ballots.map(([ballot, count]) => ({ balance: '1', count, ballot: ballot.split('') })),
      }),
    )
  t.same(belenios('abcde', ['a', 1], ['c', 1], ['', 2]), ['1', '0', '1', '0', '0'])
  t.same(belenios('abcdef', ['bde', 3], ['bd', 1]), ['0', '4', '0', '4', '3', '0'])
  t.same(belenios('abc', ['a', 1], ['b', 1], ['c', 2]), ['1', '1', '2'])
  t.end()
})

t.test('x0tta6bl4: weights are roots, abstentions dilute, the quorum is half of all weights', (t) => {
  const vote = (...votes: (readonly [string, string | undefined])[]): string =>
    countElection({
      rules: 'x0tta6bl4',
      choices: ['yes', 'no', 'abstain'],
      ballots: votes.flatMap(([balance, ballot]) => (ballot ? [{ balance, ballot }] : [])),
      electorate: votes.flatMap(([balance, ballot]) => (ballot ? [] : [{ balance }])),
    }).outcome
  // Weights 10, 4 and 5: 10 of 19 are for.
  t.equal(vote(['100', 'yes'], ['16', 'no'], ['25', 'abstain']), 'passed')
  t.equal(vote(['100', 'yes'], ['36', 'no'], ['16', 'abstain']), 'defeated') // 10 of 20
  t.equal(vote(['100', 'yes'], ['121', undefined]), 'no-quorum') // 10 of 21
  t.equal(vote(['100', 'yes'], ['100', undefined]), 'passed') // 10 of 20
  t.end()
})
