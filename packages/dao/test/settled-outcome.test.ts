import fc from 'fast-check'
import t from 'tap'
import {
  effectiveEndMs,
  rulesOfMethod,
  settledOutcome,
  tally,
  type Ballot,
  type Choice,
  type ChoiceRole,
  type MemberId,
  type Rules,
  type TallyInput,
} from '../src/index.ts'
import { inputOf, motion, options, single } from './election.ts'

/** A few ballots of every kind that a member could cast under the rules: corners and some between. */
function ballotsOf(rules: Rules, choices: readonly Choice[], balance: bigint): readonly Ballot[] {
  const all = choices.map((_, i) => i)
  const some = [
    [],
    ...all.map((i) => [i]),
    ...all.flatMap((i) => all.filter((j) => j !== i).map((j) => [i, j])),
  ]
  if (rules.method === 'approval') return some.map((choices) => ({ kind: 'approval', choices }))
  if (rules.method === 'ranked-choice') {
    return some.filter((ranking) => ranking.length > 0).map((ranking) => ({ kind: 'ranking', ranking }))
  }
  if (rules.method === 'quadratic-credits') {
    const votes = [0, 1, 2, -1, -2].flatMap((a) => [0, 1, 2, -1, -2].map((b) => [a, b] as const))
    return votes
      .filter(([a, b]) => BigInt(a * a + b * b) <= balance)
      .map(([a, b]) => ({
        kind: 'credits',
        votes: [
          [0, String(a)],
          [1, String(b)],
        ],
      }))
  }
  const singles = all.map(single)
  if (rules.method !== 'weighted' && rules.method !== 'quadratic-funding') return singles
  return [
    ...singles,
    {
      kind: 'shares',
      shares: [
        [0, '1'],
        [1, '1'],
      ],
    },
    {
      kind: 'shares',
      shares: [
        [1, '1'],
        [choices.length - 1, '2'],
      ],
    },
  ]
}

/** Every outcome that can come if members without a ballot of their own vote in any of these ways, or do not. */
function outcomesOf(input: TallyInput): ReadonlySet<string> {
  const own = input.voices.filter(({ by, member }) => by === member)
  const open = input.electorate.filter(({ member }) => !own.some((voice) => voice.member === member))
  let ends: readonly TallyInput['voices'][] = [own]
  for (const { member, balance } of open) {
    const delegated = input.voices.filter((voice) => voice.member === member)
    const ballots = ballotsOf(input.rules, input.choices, balance)
    const further = [[], delegated, ...ballots.map((ballot) => [{ member, balance, ballot, by: member }])]
    ends = ends.flatMap((voices) => further.map((more) => [...voices, ...more]))
  }
  return new Set(
    ends.map((voices) => {
      const { outcome, winner } = tally({ ...input, voices })
      return `${outcome} ${winner}`
    }),
  )
}

const supports = ['quadratic-weight', 'quadratic-credits', 'quadratic-funding', 'linear', 'weighted'] as const
const pluralities = [
  'quadratic-weight',
  'quadratic-credits',
  'quadratic-funding',
  'linear',
  'weighted',
  'approval',
  'ranked-choice',
] as const

const anyRules: fc.Arbitrary<Rules> = fc
  .record({
    isSupport: fc.boolean(),
    support: fc.constantFrom(...supports),
    plurality: fc.constantFrom(...pluralities),
    threshold: fc.constantFrom('1/2', '2/3', '1/4', '0/1'),
    isStrict: fc.boolean(),
    base: fc.constantFrom('for+against' as const, 'cast' as const),
    unit: fc.constantFrom('tokens' as const, 'weight' as const, 'members' as const),
    share: fc.constantFrom('0/1', '1/2', '4/5'),
    countsAll: fc.boolean(),
  })
  .map(({ isSupport, support, plurality, threshold, isStrict, base, unit, share, countsAll }) => {
    const [counted, abstain]: readonly ChoiceRole[] = [isSupport ? 'for' : 'option', 'abstain']
    const rules = isSupport ? rulesOfMethod(support, 'support') : rulesOfMethod(plurality, 'plurality')
    const counts: ChoiceRole[] = countsAll ? [counted!, abstain!] : [counted!]
    return {
      ...rules,
      decimals: 2,
      support: isSupport ? { threshold, isStrict, base } : null,
      quorum: { unit, counts, share },
    }
  })

const anyInput: fc.Arbitrary<TallyInput> = fc
  .tuple(
    anyRules,
    fc.array(fc.tuple(fc.nat(9), fc.nat(30)), { minLength: 2, maxLength: 5 }),
    fc.nat(2),
    fc.boolean(),
  )
  .map(([rules, members, openCount, delegates]) => {
    const choices = rules.decides === 'support' ? motion : options(3)
    const votes = members.map(([balance, pick], i) => {
      const ballots = ballotsOf(rules, choices, BigInt(balance))
      return [BigInt(balance), i < openCount ? undefined : ballots[pick % ballots.length]] as const
    })
    const input = inputOf(rules, choices, votes)
    const [first] = input.voices
    const silent = input.electorate[0]!
    if (!delegates || openCount === 0 || !first) return input
    const voice = { ...silent, ballot: first.ballot, by: first.member }
    return { ...input, voices: [...input.voices, voice] }
  })

t.test('what is settled comes out so whatever the others do', (t) => {
  let settled = 0
  fc.assert(
    fc.property(anyInput, (input) => {
      const found = settledOutcome(input)
      if (!found) return true
      settled += 1
      const outcomes = outcomesOf(input)
      return outcomes.size === 1 && outcomes.has(`${found.outcome} ${found.winner}`)
    }),
    { seed: 12, numRuns: 1500 },
  )
  t.ok(settled > 300, `${settled} of 1500 were settled`)
  t.end()
})

const linear: Rules = {
  ...rulesOfMethod('linear', 'support'),
  support: { threshold: '1/2', isStrict: true, base: 'for+against' },
  quorum: { unit: 'tokens', counts: ['for', 'against', 'abstain'], share: '1/2' },
}

t.test('more than half of everything settles a motion, half does not', (t) => {
  t.same(settledOutcome(inputOf(linear, motion, [['6', single(0)], ['5']])), { outcome: 'passed', winner: 0 })
  t.equal(settledOutcome(inputOf(linear, motion, [['5', single(0)], ['6']])), null)
  t.same(settledOutcome(inputOf(linear, motion, [['5', single(1)], ['5']])), {
    outcome: 'defeated',
    winner: null,
  })
  t.equal(settledOutcome(inputOf(linear, motion, [['5', single(0)], ['5']])), null)
  t.end()
})

t.test('a quorum that nobody can reach any more is settled', (t) => {
  const yes: Rules = { ...linear, quorum: { unit: 'tokens', counts: ['for'], share: '1/2' } }
  t.same(settledOutcome(inputOf(yes, motion, [['6', single(1)], ['5']])), {
    outcome: 'no-quorum',
    winner: null,
  })
  t.end()
})

t.test('who delegated may still vote', (t) => {
  const input = inputOf(linear, motion, [['3', single(0)], ['5']])
  const voice = { member: 'm1' as MemberId, balance: 5n, ballot: single(0), by: 'm0' as MemberId }
  t.equal(settledOutcome({ ...input, voices: [...input.voices, voice] }), null)
  t.end()
})

t.test('a quorum reached late moves the end, one reached early or never does not', (t) => {
  // OpenZeppelin's GovernorPreventLateQuorum.test.js: period of 16, extension of 8, a vote one block before the end.
  const rules: Rules = {
    ...linear,
    lateQuorumMs: 8,
    quorum: { unit: 'tokens', counts: ['for', 'abstain'], amount: '1' },
  }
  const input = inputOf(rules, motion, [['10', single(1)], ['7', single(0)], ['5'], ['2'], ['76']])
  const at = (times: readonly number[], more: Partial<Rules> = {}): number =>
    effectiveEndMs(
      { ...input, rules: { ...rules, ...more } },
      { closesMs: 16, seenAtMs: (member) => times[Number(member.slice(1))]! },
    )
  t.equal(at([20, 15]), 23) // 15 + 8
  t.equal(at([1, 8]), 16) // 8 + 8
  t.equal(at([1, 9]), 17)
  t.equal(at([1, 16]), 24)
  t.equal(at([1, 17]), 16) // after the end
  t.equal(at([16, 17]), 16) // against does not count towards this quorum
  t.equal(at([20, 15], { lateQuorumMs: null }), 16)
  const none: Rules['quorum'] = { unit: 'tokens', counts: ['for'], amount: '0' }
  t.equal(at([20, 15], { quorum: none }), 16) // reached before the first ballot
  t.end()
})
