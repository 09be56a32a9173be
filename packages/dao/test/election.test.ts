import fc from 'fast-check'
import t from 'tap'
import { countElection, parseElection, rulesPreset } from '../src/index.ts'

t.test('an election is counted from a file with names in short', (t) => {
  const found = countElection({
    rules: 'snapshot-single-choice',
    choices: ['Alice', 'Bob'],
    ballots: [
      { member: 'a', balance: '25', ballot: 'Alice' },
      { member: 'b', balance: '16', ballot: 1 },
      { balance: '9', ballot: { kind: 'single', choice: 1 }, count: 2 },
    ],
  })
  t.match(found, { outcome: 'passed', winner: 1, turnout: { members: 4, tokens: '59' } })
  t.equal(found.scores[1]!.score, '34.000000000')
  t.end()
})

t.test('who did not vote is in the electorate, and rules may differ from a preset', (t) => {
  const election = {
    rules: { preset: 'openzeppelin-governor', decimals: 0 },
    choices: ['for', 'against', 'abstain'],
    electorate: [{ member: 'others', balance: '93' }],
    ballots: [{ member: 'a', balance: '7', ballot: 'for' }],
  }
  t.match(countElection(election), { outcome: 'passed', electorate: { members: 2, tokens: '100' } })
  t.equal(countElection({ ...election, electorate: [{ balance: '1', count: 200 }] }).outcome, 'no-quorum') // 7 of 207
  t.end()
})

t.test('shares, credits, approvals and rankings have short forms', (t) => {
  const ballotOf = (rules: string, ballot: unknown): unknown =>
    parseElection({ rules, choices: ['a', 'b', '0'], ballots: [{ balance: '9', ballot }] }).voices[0]!.ballot
  t.same(ballotOf('snapshot-weighted', { a: '1', '1': '0.5' }), {
    kind: 'shares',
    shares: [
      [1, '0.5'],
      [0, '1'],
    ],
  })
  t.same(ballotOf('vocdoni-quadratic', { b: '-2' }), { kind: 'credits', votes: [[1, '-2']] })
  t.same(ballotOf('snapshot-approval', ['a', 1]), { kind: 'approval', choices: [0, 1] })
  t.same(ballotOf('snapshot-ranked-choice', ['b', 'a']), { kind: 'ranking', ranking: [1, 0] })
  t.same(ballotOf('snapshot-single-choice', '0'), { kind: 'single', choice: 2 }) // a label before an index
  t.end()
})

t.test('balances may have the places of their token', (t) => {
  const of = (balance: string, tokenDecimals = 18): bigint =>
    parseElection({
      rules: 'snapshot-basic',
      choices: ['for', 'against'],
      tokenDecimals,
      ballots: [{ balance, ballot: 0 }],
    }).voices[0]!.balance
  t.equal(of('1.5'), 1_500_000_000_000_000_000n)
  t.equal(of('0.000000000000000001'), 1n)
  t.equal(of('0'), 0n)
  for (const bad of ['1.0000000000000000001', '1e3', '-1', '', '.5']) {
    t.throws(() => of(bad), { code: 'DAO_ELECTION_INVALID' }, bad)
  }
  t.throws(() => of('1.5', 0), { code: 'DAO_AMOUNT_INVALID' })
  t.throws(() => of('9'.repeat(70)), { code: 'DAO_AMOUNT_INVALID' })
  t.end()
})

t.test('what is wrong in a file is named with its place', (t) => {
  const good = {
    rules: 'snapshot-basic',
    choices: ['for', 'against'],
    ballots: [{ member: 'a', balance: '1', ballot: 0 }],
  }
  const bad: readonly (readonly [change: object, code?: string])[] = [
    [{ ballots: undefined }],
    [{ ballots: {} }],
    [{ extra: 1 }],
    [{ tokenDecimals: 37 }],
    [{ certificateRoot: 'xyz' }],
    [{ ballots: [{ member: 'a', balance: '1' }] }],
    [{ ballots: [{ member: 'a', balance: '1', ballot: 'maybe' }] }],
    [{ ballots: [{ member: '', balance: '1', ballot: 0 }] }],
    [{ ballots: [{ member: 7, balance: '1', ballot: 0 }] }],
    [{ ballots: [{ balance: '1', ballot: 0, count: 0 }] }],
    [{ ballots: [{ balance: '1', ballot: { for: 1 } }] }],
    [{ ballots: [...good.ballots, ...good.ballots] }],
    [{ electorate: good.ballots }],
    [{ electorate: [{ member: 'a', balance: '2' }] }],
    [{ electorate: [{ balance: '2', count: 1_000_000 }] }],
    [{ rules: { preset: 7 } }],
    [{ ballots: [{ balance: 1, ballot: 0 }] }, 'DAO_AMOUNT_INVALID'],
    [{ ballots: [{ balance: '1', ballot: null }] }, 'DAO_BALLOT_INVALID'],
    [{ rules: 'none' }, 'DAO_PRESET_UNKNOWN'],
    [{ rules: {} }, 'DAO_RULES_INVALID'],
    [{ choices: ['for', 'against', 'abstain', 'more'] }, 'DAO_CHOICES_INVALID'],
  ]
  for (const [change, code = 'DAO_ELECTION_INVALID'] of bad) {
    t.throws(() => parseElection({ ...good, ...change }), { code }, JSON.stringify(change))
  }
  t.same(parseElection({ ...good, certificateRoot: '00ff' }).certificateRoot, new Uint8Array([0, 255]))
  t.same(parseElection(good).rules, rulesPreset('snapshot-basic'))
  t.end()
})

t.test('a ballot that does not fit is voided, not an error', (t) => {
  const found = countElection({
    rules: 'radicalxchange',
    choices: ['a', 'b'],
    ballots: [
      { member: 'x', balance: '1', ballot: { a: '9', b: '4' } }, // 97 of 99
      { member: 'y', balance: '1', ballot: { a: '10' } }, // 100 of 99
    ],
  })
  t.same(found.voided, [{ member: 'y', code: 'DAO_BUDGET_EXCEEDED' }])
  t.equal(found.scores[0]!.score, '9.000000000')
  t.end()
})

t.test('whatever a file holds is counted or refused with a code', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.anything(),
        fc.record({ rules: fc.anything(), choices: fc.anything(), ballots: fc.anything() }),
      ),
      (value) => {
        try {
          countElection(value)
        } catch (error) {
          return error instanceof Error && 'code' in error && String(error.code).startsWith('DAO_')
        }
        return true
      },
    ),
    { seed: 13, numRuns: 300 },
  )
  t.end()
})
