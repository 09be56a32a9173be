import fc from 'fast-check'
import t from 'tap'
import {
  defaultRules,
  methods,
  rulesOfMethod,
  tally,
  tallyBytes,
  type Ballot,
  type Choice,
  type MemberId,
  type Rules,
  type TallyInput,
} from '../src/index.ts'
import { inputOf, motion, options, single } from './election.ts'

const shares = (...list: (readonly [number, string])[]): Ballot => ({ kind: 'shares', shares: list })
const credits = (...list: (readonly [number, string])[]): Ballot => ({ kind: 'credits', votes: list })
const plain = (rules: Rules, more: Partial<Rules> = {}): Rules => ({ ...rules, quorum: null, ...more })
const scoresOf = (input: TallyInput): readonly string[] => tally(input).scores.map(({ score }) => score)

/** 25 for X, 16 and 9 for Y. */
const three = [
  ['25', single(0)],
  ['16', single(1)],
  ['9', single(1)],
] as const

t.test('four methods give four results for the same ballots', (t) => {
  const under = (method: 'linear' | 'quadratic-weight' | 'quadratic-funding'): readonly (string | null)[] => {
    const { scores } = tally(
      inputOf({ ...rulesOfMethod(method, 'plurality'), decimals: 3 }, options(2), three),
    )
    return scores.flatMap(({ score, percent }) => [score, percent])
  }
  t.same(under('linear'), ['25.000', '50.00', '25.000', '50.00'])
  // √25 = 5 against √16 + √9 = 7: 7/12 = 58.33 %
  t.same(under('quadratic-weight'), ['5.000', '41.66', '7.000', '58.33'])
  // 5² = 25 against 7² = 49: 50·25/74 = 16.891…, 50·49/74 = 33.108…; 49/74 = 66.21 %
  t.same(under('quadratic-funding'), ['16.891', '33.78', '33.108', '66.21'])
  const threshold = (method: 'quadratic-weight' | 'quadratic-funding'): string => {
    const rules = plain(rulesOfMethod(method, 'support'), {
      support: { threshold: '60/100', isStrict: true, base: 'for+against' },
    })
    return tally(inputOf(rules, [motion[1]!, motion[0]!], three)).outcome
  }
  t.equal(threshold('quadratic-weight'), 'defeated')
  t.equal(threshold('quadratic-funding'), 'passed')
  t.end()
})

t.test('published weights are scaled integer roots, decisions are exact', (t) => {
  // Two with 3 for: 2·⌊√3·10^k⌋; one with 9 against. With no decimals it shows 2 to 3 and passes all the same.
  const votes = [
    ['3', single(0)],
    ['3', single(0)],
    ['9', single(1)],
  ] as const
  const found = tally(inputOf({ ...defaultRules, decimals: 0 }, motion, votes))
  t.same(
    found.scores.map(({ score }) => score),
    ['2', '3', '0'],
  )
  t.equal(found.outcome, 'passed')
  t.same(scoresOf(inputOf({ ...defaultRules, decimals: 9 }, motion, votes)), [
    '3.464101614',
    '3.000000000',
    '0.000000000',
  ])
  const huge = (2n ** 256n - 1n).toString()
  // ⌊√(2^256 − 1)⌋ = 2^128 − 1
  t.equal(
    scoresOf(inputOf({ ...defaultRules, decimals: 0 }, motion, [[huge, single(0)]]))[0],
    (2n ** 128n - 1n).toString(),
  )
  t.end()
})

t.test('equal roots on both sides are a tie: a strict motion is defeated and both are named', (t) => {
  // √2 + √8 = √18
  const votes = [
    ['2', single(0)],
    ['8', single(0)],
    ['18', single(1)],
  ] as const
  const strict = tally(inputOf(plain(defaultRules), motion, votes))
  t.equal(strict.outcome, 'defeated')
  t.same(strict.leaders, [0, 1])
  t.equal(strict.scores[0]!.percent, '50.00')
  t.equal(strict.scores[1]!.percent, '50.00')
  const reached = plain(defaultRules, { support: { threshold: '1/2', isStrict: false, base: 'cast' } })
  t.equal(tally(inputOf(reached, motion, votes)).outcome, 'passed')
  const among = tally(inputOf(rulesOfMethod('quadratic-weight', 'plurality'), options(2), votes))
  t.match(among, { outcome: 'tied', winner: null, leaders: [0, 1] })
  t.end()
})

t.test('a split of a root gains nothing', (t) => {
  const rules: Rules = { ...rulesOfMethod('quadratic-weight', 'plurality'), split: 'linear', decimals: 3 }
  // √16 = 4: a quarter and three quarters of it are 1 and 3.
  t.same(scoresOf(inputOf(rules, options(2), [['16', shares([0, '0.25'], [1, '0.75'])]])), ['1.000', '3.000'])
  t.same(
    scoresOf(
      inputOf(rules, options(2), [
        ['9', shares([0, '1'], [1, '2'])],
        ['16', single(0)],
      ]),
    ),
    ['5.000', '2.000'],
  )
  // Three thirds of √2 are √2, exactly.
  const thirds = shares([0, '1'], [1, '2'])
  const tie = tally(
    inputOf(rules, options(2), [
      ['2', thirds],
      ['2', single(0)],
      ['8', thirds],
      ['8', single(0)],
      ['32', single(1)],
    ]),
  )
  // For 0: (1/3)(√2 + √8) + √2 + √8 = (1/3)·3√2 + 3√2 = 4√2; for 1: (2/3)·3√2 + 4√2 = 6√2.
  t.match(tie, { outcome: 'passed', winner: 1 })
  t.equal(tie.scores[0]!.percent, '40.00')
  t.end()
})

t.test('votes cost their square; a member over its budget is void, also through a delegate', (t) => {
  const rules: Rules = { ...rulesOfMethod('quadratic-credits', 'plurality'), decimals: 0 }
  const found = tally(
    inputOf(rules, options(2), [
      ['25', credits([0, '3'], [1, '-4'])], // 9 + 16 = 25
      ['24', credits([0, '3'], [1, '4'])], // 25 of 24
      ['1', credits([1, '1'])],
    ]),
  )
  t.same(
    found.scores.map(({ score, percent }) => [score, percent]),
    [
      ['3', null],
      ['-3', null],
    ],
  )
  t.same(found.voided, [{ member: 'm1', code: 'DAO_BUDGET_EXCEEDED' }])
  t.match(found.turnout, { members: 2, tokens: '26' })
  const ballot = credits([0, '2'])
  const delegated = tally({
    ...inputOf(rules, options(2), [['4'], ['3'], ['9']]),
    voices: (['m0', 'm1', 'm2'] as MemberId[]).map((member, i) => ({
      member,
      balance: [4n, 3n, 9n][i]!,
      ballot,
      by: 'm2' as MemberId,
    })),
  })
  t.equal(delegated.scores[0]!.score, '4')
  t.same(delegated.voided, [{ member: 'm1', code: 'DAO_BUDGET_EXCEEDED' }])
  t.end()
})

t.test('a motion with credits passes only above 0', (t) => {
  const rules = plain(rulesOfMethod('quadratic-credits', 'support'))
  const vote = (...votes: [string, string]): string =>
    tally(inputOf(rules, motion, [['100', credits([0, votes[0]], [1, votes[1]])]])).outcome
  t.equal(vote('3', '2'), 'passed')
  t.equal(vote('2', '-1'), 'passed') // 2 of 1
  t.equal(vote('-1', '-3'), 'defeated')
  t.equal(vote('0', '0'), 'defeated')
  t.end()
})

t.test('roots are taken member by member, never of a sum of delegated tokens', (t) => {
  const ballot = single(0)
  const input = inputOf(plain(defaultRules), motion, [['9', ballot], ['16']])
  const delegated = [
    ...input.voices,
    { member: 'm1' as MemberId, balance: 16n, ballot, by: 'm0' as MemberId },
  ]
  t.equal(scoresOf({ ...input, voices: delegated })[0], '7.000000000') // 3 + 4, not √25
  t.end()
})

t.test('an approval is worth the whole balance for each choice; approving of nothing is a ballot', (t) => {
  const rules: Rules = { ...rulesOfMethod('approval', 'plurality'), decimals: 0 }
  const approve = (...choices: number[]): Ballot => ({ kind: 'approval', choices })
  const found = tally(
    inputOf(rules, options(3), [
      ['5', approve(0, 1)],
      ['4', approve(1)],
      ['9', approve()],
    ]),
  )
  t.same(
    found.scores.map(({ score, ballots }) => [score, ballots]),
    [
      ['5', 1],
      ['9', 2],
      ['0', 0],
    ],
  )
  t.equal(found.turnout.members, 3)
  t.equal(found.winner, 1)
  t.end()
})

t.test('a weighted ballot splits a balance; whole results have no trace of thirds', (t) => {
  const rules: Rules = { ...rulesOfMethod('weighted', 'plurality'), decimals: 2 }
  const third = shares([0, '1'], [1, '1'], [2, '1'])
  t.same(
    scoresOf(
      inputOf(rules, options(3), [
        ['1', third],
        ['1', third],
        ['1', third],
      ]),
    ),
    ['1.00', '1.00', '1.00'],
  )
  t.same(scoresOf(inputOf(rules, options(3), [['2', third]])), ['0.66', '0.66', '0.66'])
  const tied = tally(
    inputOf(rules, options(3), [
      ['1', third],
      ['2', shares([0, '0.5'], [1, '0.25'], [2, '0.25'])],
    ]),
  )
  // 1/3 + 1, 1/3 + 1/2, 1/3 + 1/2
  t.equal(tied.winner, 0)
  t.end()
})

t.test('quadratic funding: what is exact is shown so, also where one choice has everything', (t) => {
  const rules: Rules = { ...rulesOfMethod('quadratic-funding', 'plurality'), decimals: 4 }
  const all = tally(
    inputOf(rules, options(2), [
      ['2', single(0)],
      ['3', single(0)],
    ]),
  )
  t.same(
    all.scores.map(({ score, percent }) => [score, percent]),
    [
      ['5.0000', '100.00'],
      ['0.0000', '0.00'],
    ],
  )
  // √2 + √8 = √18: equal squares, half of 28 each.
  const tie = tally(
    inputOf(rules, options(2), [
      ['2', single(0)],
      ['8', single(0)],
      ['18', single(1)],
    ]),
  )
  t.match(tie, { outcome: 'tied', leaders: [0, 1] })
  t.same(
    tie.scores.map(({ score, percent }) => [score, percent]),
    [
      ['14.0000', '50.00'],
      ['14.0000', '50.00'],
    ],
  )
  t.same(scoresOf(inputOf(rules, options(2), [])), ['0.0000', '0.0000'])
  t.end()
})

t.test('a published score that is too hard to tell from the next stays below, the decision does not', (t) => {
  // Three options with the same 1,100 balances 10^20 + 7919·i: each has exactly a third of what is published.
  const balances = Array.from({ length: 1100 }, (_, i) => 10n ** 20n + 7919n * BigInt(i))
  const votes = balances.flatMap((balance) => [0, 1, 2].map((choice) => [balance, single(choice)] as const))
  const found = tally(
    inputOf({ ...rulesOfMethod('quadratic-funding', 'plurality'), decimals: 0 }, options(3), votes),
  )
  t.match(found, { outcome: 'tied', leaders: [0, 1, 2] })
  const third = balances.reduce((sum, balance) => sum + balance)
  for (const { score, percent } of found.scores) {
    t.equal(score, (third - 1n).toString())
    t.equal(percent, '33.33')
  }
  t.end()
})

t.test('in a base of all that is cast, funding compares three squares exactly', (t) => {
  const rules = plain(rulesOfMethod('quadratic-funding', 'support'))
  // For: (√2 + √8)² = 18; against 9, abstain 9: exactly half, which is not above half.
  const votes = [
    ['2', single(0)],
    ['8', single(0)],
    ['9', single(1)],
    ['9', single(2)],
  ] as const
  t.equal(tally(inputOf(rules, motion, votes)).outcome, 'defeated')
  t.equal(
    tally(
      inputOf(plain(rules, { support: { threshold: '1/2', isStrict: false, base: 'cast' } }), motion, votes),
    ).outcome,
    'passed',
  )
  t.end()
})

t.test('voices that do not belong to the electorate are a mistake of the caller', (t) => {
  const input = inputOf(defaultRules, motion, [['9', single(0)]])
  const [voice] = input.voices
  t.throws(() => tally({ ...input, voices: [voice!, voice!] }), RangeError)
  t.throws(() => tally({ ...input, voices: [{ ...voice!, balance: 10n }] }), RangeError)
  t.throws(() => tally({ ...input, voices: [{ ...voice!, member: 'stranger' as MemberId }] }), RangeError)
  t.throws(() => tally({ ...input, electorate: [...input.electorate, ...input.electorate] }), RangeError)
  t.throws(() => tally({ ...input, electorate: [{ member: 'm0' as MemberId, balance: -1n }] }), RangeError)
  t.end()
})

t.test('ballots that do not fit are listed with the reason and count for nothing', (t) => {
  const found = tally(
    inputOf(defaultRules, motion, [
      ['9', single(7)],
      ['9', credits([0, '1'])],
      ['9', single(0)],
    ]),
  )
  t.same(found.voided, [
    { member: 'm0', code: 'DAO_CHOICE_UNKNOWN' },
    { member: 'm1', code: 'DAO_BALLOT_KIND' },
  ])
  t.equal(found.turnout.members, 1)
  t.equal(found.outcome, 'no-quorum')
  t.end()
})

/** Elections of every method, with ballots that fit and some that do not. */
const anyElection = fc.constantFrom(...methods).chain((method) => {
  const choices: readonly Choice[] = options(3)
  const share = fc.constantFrom('0', '1', '2', '0.5', '0.333', '7')
  const votes = fc.constantFrom('0', '1', '-1', '2', '-3')
  const pairs = (number: fc.Arbitrary<string>): fc.Arbitrary<readonly (readonly [number, string])[]> =>
    fc.uniqueArray(fc.tuple(fc.nat(3), number), { maxLength: 4, selector: ([choice]) => choice })
  const lists = fc.uniqueArray(fc.nat(3), { maxLength: 4 })
  const ballot: fc.Arbitrary<Ballot> = fc.oneof(
    fc.nat(3).map(single),
    pairs(share).map((shares): Ballot => ({ kind: 'shares', shares })),
    pairs(votes).map((votes): Ballot => ({ kind: 'credits', votes })),
    lists.map((choices): Ballot => ({ kind: 'approval', choices })),
    lists.map((ranking): Ballot => ({ kind: 'ranking', ranking })),
  )
  const balance = fc.oneof(fc.bigInt(0n, 20n), fc.bigInt(0n, 2n ** 256n - 1n))
  const rules: Rules = {
    ...rulesOfMethod(method, 'plurality'),
    split: method === 'quadratic-weight' ? 'linear' : 'none',
    quorum: { unit: 'weight', counts: ['option'], share: '1/2' },
  }
  return fc
    .array(fc.tuple(balance, fc.option(ballot, { nil: undefined })), { maxLength: 12 })
    .map((list) => inputOf(rules, choices, list))
})

t.test('every order of electorate and voices gives the same bytes', (t) => {
  fc.assert(
    fc.property(anyElection, fc.infiniteStream(fc.nat(1000)), (input, random) => {
      const shuffled = <Item>(list: readonly Item[]): readonly Item[] =>
        list
          .map((item) => ({ item, key: random.next().value as number }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ item }) => item)
      const one = tallyBytes(tally(input))
      const other = tally({
        ...input,
        electorate: shuffled(input.electorate),
        voices: shuffled(input.voices),
      })
      return Buffer.compare(one, tallyBytes(other)) === 0
    }),
    { seed: 8, numRuns: 300 },
  )
  t.end()
})

t.test('linear counts do not change when a member is split; weights grow by at most √2', (t) => {
  const vote = fc.tuple(fc.bigInt(2n, 10n ** 30n), fc.nat(2))
  fc.assert(
    fc.property(fc.array(vote, { minLength: 1, maxLength: 8 }), (votes) => {
      const of = (
        method: 'linear' | 'quadratic-weight',
        list: readonly (readonly [bigint, number])[],
      ): bigint[] =>
        tally(
          inputOf(
            { ...rulesOfMethod(method, 'plurality'), decimals: 0 },
            options(3),
            list.map(([b, c]) => [b, single(c)]),
          ),
        ).scores.map(({ score }) => BigInt(score))
      const split = votes.flatMap(([b, c]): [bigint, number][] => [
        [b / 2n, c],
        [b - b / 2n, c],
      ])
      const [whole, halves] = [of('quadratic-weight', votes), of('quadratic-weight', split)]
      const slack = BigInt(2 * votes.length)
      return (
        of('linear', votes).join() === of('linear', split).join() &&
        whole.every(
          (score, i) => halves[i]! + slack >= score && halves[i]! ** 2n <= 2n * (score + slack) ** 2n,
        )
      )
    }),
    { seed: 9, numRuns: 60 },
  )
  t.end()
})

t.test('the bytes of a tally are JSON with sorted keys and nothing but text, whole numbers and null', (t) => {
  const found = tally(inputOf(defaultRules, motion, three))
  const text = new TextDecoder().decode(tallyBytes(found))
  t.match(
    text,
    /^\{"checks":\[\{"found":"12\.000000000","holds":true,"needed":"6\.000000000","rule":"quorum"/,
  )
  t.same(JSON.parse(text), found)
  t.end()
})
