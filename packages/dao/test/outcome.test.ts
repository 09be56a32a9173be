import t from 'tap'
import { defaultRules, rulesOfMethod, tally, type ChoiceRole, type Rules, type Tally } from '../src/index.ts'
import { inputOf, motion, options, single } from './election.ts'

const linear: Rules = {
  ...rulesOfMethod('linear', 'support'),
  support: { threshold: '1/2', isStrict: true, base: 'for+against' },
  quorum: null,
}
/** For, against and abstaining tokens, and tokens that do not vote. */
const vote = (rules: Rules, yes: number, no: number, abstain = 0, silent = 0): Tally =>
  tally(
    inputOf(rules, motion, [
      [String(yes), single(0)],
      [String(no), single(1)],
      [String(abstain), single(2)],
      [String(silent)],
    ]),
  )

t.test('abstentions dilute a base of all that is cast and no other', (t) => {
  t.equal(vote(linear, 5, 4, 3).outcome, 'passed')
  const cast: Rules = { ...linear, support: { threshold: '1/2', isStrict: true, base: 'cast' } }
  t.equal(vote(cast, 5, 4, 3).outcome, 'defeated') // 5 of 12
  t.equal(vote(cast, 7, 4, 2).outcome, 'passed') // 7 of 13
  t.end()
})

t.test('a strict threshold must be passed, another only reached', (t) => {
  const at = (isStrict: boolean): Rules => ({
    ...linear,
    support: { threshold: '2/3', isStrict, base: 'for+against' },
  })
  t.equal(vote(at(true), 2, 1).outcome, 'defeated')
  t.equal(vote(at(false), 2, 1).outcome, 'passed')
  t.equal(vote(at(true), 201, 100).outcome, 'passed')
  t.match(vote(at(true), 2, 1).checks, [
    { rule: 'support', holds: false, found: '2.000000000', needed: '2.000000000', unit: 'score' },
  ])
  t.end()
})

t.test('without a ballot in favour nothing passes, whatever the threshold', (t) => {
  const any: Rules = { ...linear, support: { threshold: '0/1', isStrict: false, base: 'for+against' } }
  t.equal(vote(any, 0, 0, 5).outcome, 'defeated')
  t.equal(vote(any, 0, 5).outcome, 'defeated')
  t.equal(vote(any, 1, 5).outcome, 'passed')
  t.equal(tally(inputOf(any, motion, [['5']])).outcome, 'defeated')
  t.end()
})

t.test('a quorum is reached when it is equalled, in each unit, and comes before all else', (t) => {
  const quorum = (unit: 'tokens' | 'weight' | 'members', share: string, counts: ChoiceRole[]): Rules => ({
    ...linear,
    quorum: { unit, counts, share },
  })
  const all: ChoiceRole[] = ['for', 'against', 'abstain']
  // Tokens: 6 of 12 voted.
  t.equal(vote(quorum('tokens', '1/2', all), 3, 2, 1, 6).outcome, 'passed')
  t.equal(vote(quorum('tokens', '1/2', all), 3, 2, 1, 7).outcome, 'no-quorum')
  t.equal(vote(quorum('tokens', '1/2', ['for']), 3, 2, 1, 6).outcome, 'no-quorum')
  t.equal(vote(quorum('tokens', '1/3', ['for', 'abstain']), 3, 2, 1, 6).outcome, 'passed')
  // Weight: √2 + √8 = √18 is half of the electorate's; one token more that is silent, and it is not.
  const roots = (silent: string): string =>
    tally(inputOf(quorum('weight', '1/2', all), motion, [['2', single(0)], ['8', single(0)], [silent]]))
      .outcome
  t.equal(roots('18'), 'passed')
  t.equal(roots('19'), 'no-quorum')
  // Members: three of four.
  t.equal(vote(quorum('members', '3/4', all), 3, 2, 1, 1_000_000).outcome, 'passed')
  t.equal(vote(quorum('members', '3/4', ['for', 'against']), 3, 2, 1, 1).outcome, 'no-quorum')
  // A quorum of the weight is not one of the tokens (x0tta6bl4 compares √stake with half of the stake).
  t.same(vote(quorum('tokens', '1/2', all), 3, 2, 1, 7).checks[0], {
    rule: 'quorum',
    holds: false,
    found: '6',
    needed: '7', // 13/2, rounded up
    unit: 'tokens',
  })
  t.equal(tally(inputOf(defaultRules, motion, [['5']])).outcome, 'no-quorum')
  t.end()
})

t.test('a quorum may be an amount, and a share may be rounded down as by OpenZeppelin', (t) => {
  const fixed: Rules = { ...linear, quorum: { unit: 'tokens', counts: ['for'], amount: '4' } }
  t.equal(vote(fixed, 4, 1).outcome, 'passed')
  t.equal(vote(fixed, 3, 1, 9).outcome, 'no-quorum')
  const third = { unit: 'tokens', counts: ['for'], share: '1/3' } as const
  // A third of 10 is 3.33: 3 reach it only if it is rounded down.
  t.equal(vote({ ...linear, quorum: third }, 3, 1, 0, 6).outcome, 'no-quorum')
  t.equal(vote({ ...linear, quorum: { ...third, roundsDown: true } }, 3, 1, 0, 6).outcome, 'passed')
  t.end()
})

t.test('a split ballot counts towards a quorum with the share that it gives', (t) => {
  const rules: Rules = {
    ...linear,
    method: 'weighted',
    quorum: { unit: 'tokens', counts: ['for'], amount: '5' },
  }
  const split = (yes: string, no: string): string =>
    tally(
      inputOf(rules, motion, [
        [
          '9',
          {
            kind: 'shares',
            shares: [
              [0, yes],
              [1, no],
            ],
          },
        ],
      ]),
    ).outcome
  t.equal(split('5', '4'), 'passed')
  t.equal(split('4', '5'), 'no-quorum')
  const members: Rules = { ...rules, quorum: { unit: 'members', counts: ['for'], amount: '1' } }
  t.equal(
    tally(
      inputOf(members, motion, [
        [
          '9',
          {
            kind: 'shares',
            shares: [
              [0, '1'],
              [1, '8'],
            ],
          },
        ],
      ]),
    ).outcome,
    'defeated',
  )
  t.end()
})

t.test('a ballot that names nothing counts as an abstention', (t) => {
  const rules = (counts: ChoiceRole[]): Rules => ({
    ...rulesOfMethod('approval', 'plurality'),
    quorum: { unit: 'members', counts, amount: '2' },
  })
  const votes = [
    ['1', { kind: 'approval', choices: [] }],
    ['1', { kind: 'approval', choices: [0] }],
  ] as const
  t.equal(tally(inputOf(rules(['option']), options(2), votes)).outcome, 'no-quorum')
  t.equal(tally(inputOf(rules(['option', 'abstain']), options(2), votes)).outcome, 'passed')
  t.end()
})

t.test('the option with most wins; several with most are tied unless a tiebreak was declared', (t) => {
  const rules = rulesOfMethod('linear', 'plurality')
  const votes = [
    ['5', single(1)],
    ['5', single(2)],
    ['1', single(0)],
  ] as const
  t.match(tally(inputOf(rules, options(3), votes)), {
    outcome: 'tied',
    winner: null,
    leaders: [1, 2],
    checks: [
      { rule: 'plurality', holds: false },
      { rule: 'tiebreak', holds: false, found: 'none' },
    ],
  })
  t.match(tally(inputOf({ ...rules, tiebreak: 'choice-order' }, options(3), votes)), {
    outcome: 'passed',
    winner: 1,
  })
  const byHash: Rules = { ...rules, tiebreak: 'certificate-hash' }
  t.match(tally(inputOf(byHash, options(3), votes)), { outcome: 'tied', winner: null })
  const winners = Array.from({ length: 20 }, (_, i) => {
    const input = { ...inputOf(byHash, options(3), votes), certificateRoot: new Uint8Array(32).fill(i) }
    return tally(input).winner
  })
  t.same(new Set(winners), new Set([1, 2]))
  // printf '%064x%08x' 0 1 | xxd -r -p | sha256sum is 2158a890…, for choice 2 it is e15f3744…
  t.equal(winners[0], 1)
  t.match(tally(inputOf(rules, options(3), [])), { outcome: 'defeated', leaders: [] })
  t.match(tally(inputOf(rules, options(3), [['0', single(1)]])), { outcome: 'defeated', leaders: [] })
  t.end()
})

t.test('an abstention never wins', (t) => {
  const choices = [...options(2), { label: 'none of them', role: 'abstain' as const }]
  const found = tally(
    inputOf(rulesOfMethod('linear', 'plurality'), choices, [
      ['9', single(2)],
      ['1', single(1)],
    ]),
  )
  t.match(found, { outcome: 'passed', winner: 1 })
  t.end()
})
