import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  ballotKinds,
  checkBallot,
  defaultRules,
  methods,
  parseBallot,
  rulesOfMethod,
  type Ballot,
  type Method,
  type Rules,
} from '../src/index.ts'
import { motion, options, single } from './election.ts'

const of = (method: Method, more: Partial<Rules> = {}): Rules => ({
  ...rulesOfMethod(method, 'plurality'),
  ...more,
})
const refused = (t: Test, code: string, ballot: Ballot, rules: Rules, balance?: bigint): void => {
  t.throws(() => checkBallot(ballot, options(3), rules, balance), { code }, JSON.stringify(ballot))
}

t.test('each method takes its kinds of ballots and no other', (t) => {
  const ballots: readonly Ballot[] = [
    single(0),
    { kind: 'shares', shares: [[0, '1']] },
    { kind: 'credits', votes: [[0, '1']] },
    { kind: 'approval', choices: [0] },
    { kind: 'ranking', ranking: [0] },
  ]
  const expected: Readonly<Record<Method, readonly Ballot['kind'][]>> = {
    'quadratic-weight': ['single'],
    'quadratic-credits': ['credits'],
    'quadratic-funding': ['single', 'shares'],
    linear: ['single'],
    approval: ['approval'],
    'ranked-choice': ['ranking'],
    weighted: ['single', 'shares'],
  }
  for (const method of methods) {
    t.same(ballotKinds(of(method)), expected[method])
    for (const ballot of ballots) {
      if (expected[method].includes(ballot.kind)) checkBallot(ballot, options(3), of(method))
      else refused(t, 'DAO_BALLOT_KIND', ballot, of(method))
    }
  }
  t.same(ballotKinds(of('quadratic-weight', { split: 'linear' })), ['single', 'shares'])
  t.end()
})

t.test('choices that are not offered or are named twice are refused', (t) => {
  for (const choice of [3, -1, 0.5, NaN, 1e21]) refused(t, 'DAO_CHOICE_UNKNOWN', single(choice), of('linear'))
  refused(t, 'DAO_CHOICE_UNKNOWN', { kind: 'approval', choices: [0, 3] }, of('approval'))
  refused(t, 'DAO_CHOICE_TWICE', { kind: 'approval', choices: [1, 1] }, of('approval'))
  refused(t, 'DAO_CHOICE_TWICE', { kind: 'ranking', ranking: [1, 0, 1] }, of('ranked-choice'))
  refused(
    t,
    'DAO_CHOICE_TWICE',
    {
      kind: 'shares',
      shares: [
        [0, '1'],
        [0, '1'],
      ],
    },
    of('weighted'),
  )
  refused(
    t,
    'DAO_CHOICE_TWICE',
    {
      kind: 'credits',
      votes: [
        [0, '1'],
        [0, '-1'],
      ],
    },
    of('quadratic-credits'),
  )
  t.end()
})

t.test('a ballot that says nothing is refused, except an approval of nothing and votes of 0', (t) => {
  refused(t, 'DAO_BALLOT_EMPTY', { kind: 'ranking', ranking: [] }, of('ranked-choice'))
  refused(t, 'DAO_BALLOT_EMPTY', { kind: 'shares', shares: [] }, of('weighted'))
  refused(
    t,
    'DAO_BALLOT_EMPTY',
    {
      kind: 'shares',
      shares: [
        [0, '0'],
        [1, '0.00'],
      ],
    },
    of('weighted'),
  )
  refused(t, 'DAO_BALLOT_EMPTY', { kind: 'credits', votes: [] }, of('quadratic-credits'))
  checkBallot({ kind: 'approval', choices: [] }, options(3), of('approval'))
  checkBallot({ kind: 'credits', votes: [[0, '0']] }, options(3), of('quadratic-credits'))
  t.end()
})

t.test('a vote of weight 9 costs 81 credits', (t) => {
  const fixed = of('quadratic-credits', { budget: { kind: 'fixed', credits: '81' } })
  checkBallot({ kind: 'credits', votes: [[0, '9']] }, options(3), fixed)
  checkBallot({ kind: 'credits', votes: [[0, '-9']] }, options(3), fixed)
  refused(
    t,
    'DAO_BUDGET_EXCEEDED',
    {
      kind: 'credits',
      votes: [
        [0, '9'],
        [1, '1'],
      ],
    },
    fixed,
  )
  const own = of('quadratic-credits')
  checkBallot({ kind: 'credits', votes: [[0, '9']] }, options(3), own, 81n)
  refused(t, 'DAO_BUDGET_EXCEEDED', { kind: 'credits', votes: [[0, '9']] }, own, 80n)
  t.end()
})

t.test('numbers in ballots are plain decimal text', (t) => {
  for (const bad of ['', '-0', '+1', '01', '1.5', '1e3', ' 1', '9'.repeat(40)]) {
    refused(t, 'DAO_VOTES_INVALID', { kind: 'credits', votes: [[0, bad]] }, of('quadratic-credits'))
  }
  for (const bad of ['', '-1', '1e3', '.5', '1/2', '9'.repeat(19)]) {
    refused(t, 'DAO_SHARE_INVALID', { kind: 'shares', shares: [[0, bad]] }, of('weighted'))
  }
  t.end()
})

t.test('the shape of a ballot is checked before it is a ballot', (t) => {
  const good: readonly Ballot[] = [
    single(2),
    {
      kind: 'shares',
      shares: [
        [0, '0.5'],
        [2, '1'],
      ],
    },
    { kind: 'credits', votes: [[0, '-3']] },
    { kind: 'approval', choices: [] },
    { kind: 'ranking', ranking: [2, 0] },
  ]
  for (const ballot of good) t.same(parseBallot(structuredClone(ballot)), ballot)
  const bad: readonly unknown[] = [
    null,
    'yes',
    1,
    [],
    {},
    { kind: 'other' },
    { kind: 'single' },
    { kind: 'single', choice: '0' },
    { kind: 'single', choice: -1 },
    { kind: 'single', choice: 0.5 },
    { kind: 'single', choice: 256 },
    { kind: 'single', choice: 0, weight: '1000' },
    { kind: 'approval', choices: 3 },
    { kind: 'approval', choices: ['a'] },
    { kind: 'approval', choices: Array.from({ length: 257 }, () => 0) },
    { kind: 'shares', shares: [[0]] },
    { kind: 'shares', shares: [[0, 1]] },
    { kind: 'shares', shares: [[0, '1'.repeat(81)]] },
    { kind: 'credits', votes: [[0, 1n]] },
    { kind: 'credits', votes: [[0, '1', '2']] },
  ]
  for (const value of bad) t.throws(() => parseBallot(value), { code: 'DAO_BALLOT_INVALID' })
  t.end()
})

t.test('whatever comes is a ballot or an error with a code', (t) => {
  fc.assert(
    fc.property(fc.anything(), fc.constantFrom(...methods), (value, method) => {
      try {
        checkBallot(parseBallot(value), motion, { ...defaultRules, method })
      } catch (error) {
        return error instanceof Error && 'code' in error && String(error.code).startsWith('DAO_')
      }
      return true
    }),
    { seed: 10, numRuns: 500 },
  )
  t.end()
})
