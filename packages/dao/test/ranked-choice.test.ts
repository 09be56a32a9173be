import t from 'tap'
import { rulesOfMethod, tally, type Ballot, type Rules, type Tally } from '../src/index.ts'
import { inputOf, options } from './election.ts'

const rules: Rules = { ...rulesOfMethod('ranked-choice', 'plurality'), decimals: 0 }
const rank = (...ranking: number[]): Ballot => ({ kind: 'ranking', ranking })
const count = (
  votes: readonly (readonly [string, Ballot])[],
  more: Partial<Rules> = {},
  choices = 4,
): Tally => tally(inputOf({ ...rules, ...more }, options(choices), votes))

t.test('a choice with more than half of the first places wins at once', (t) => {
  const found = count([
    ['5', rank(0, 1)],
    ['3', rank(1)],
    ['1', rank(2)],
  ])
  t.match(found, { outcome: 'passed', winner: 0, rounds: [['5', '3', '1', '0']] })
  t.end()
})

t.test('the last is eliminated and its ballots go to their next choice', (t) => {
  // 4, 3, 2: the 2 go to choice 1, which has 5 of 9.
  const found = count([
    ['4', rank(0, 1, 2)],
    ['3', rank(1, 0, 2)],
    ['2', rank(2, 1, 0)],
  ])
  t.match(found, {
    winner: 1,
    rounds: [
      ['4', '3', '2', '0'],
      ['4', '5', '0', '0'],
    ],
  })
  t.same(
    found.scores.map(({ score }) => score),
    ['4', '5', '0', '0'],
  )
  t.end()
})

t.test('exhausted ballots leave the count: half is half of what is left', (t) => {
  // 4, 3, 2 with nothing after the 2: 4 of 7 is more than half.
  const found = count([
    ['4', rank(0)],
    ['3', rank(1)],
    ['2', rank(2)],
  ])
  t.match(found, {
    winner: 0,
    rounds: [
      ['4', '3', '2', '0'],
      ['4', '3', '0', '0'],
    ],
  })
  t.end()
})

t.test('a choice that is nobody’s first now can still come up', (t) => {
  // Choice 3 is nobody's first; the ballots of 2 make it the second of the next round.
  const found = count([
    ['4', rank(0)],
    ['3', rank(1)],
    ['2', rank(2, 3)],
    ['1', rank(2, 3)],
  ])
  // Round 1: 4, 3, 3, 0: of 1 and 2 the first goes, as with Snapshot. Then 4 against 3 are two.
  t.same(found.rounds, [
    ['4', '3', '3', '0'],
    ['4', '0', '3', '0'],
  ])
  t.equal(found.winner, 0)
  t.end()
})

t.test('a tie for the last place that decides the winner is a tie', (t) => {
  // 4 for 0, then 1 and 2 with 3 each: who stays gets the other's ballots and wins 6 to 4.
  const votes = [
    ['4', rank(0)],
    ['3', rank(1, 2)],
    ['3', rank(2, 1)],
  ] as const
  const found = count(votes)
  t.match(found, { outcome: 'tied', winner: null, leaders: [1, 2] })
  t.same(found.rounds, [
    ['4', '3', '3', '0'],
    ['4', '0', '6', '0'],
  ])
  t.match(count(votes, { tiebreak: 'choice-order' }), { outcome: 'passed', winner: 1, leaders: [1, 2] })
  t.end()
})

t.test('two with the same number at the end are a tie; no ballots are a defeat', (t) => {
  t.match(
    count([
      ['2', rank(0)],
      ['2', rank(1)],
    ]),
    { outcome: 'tied', leaders: [0, 1] },
  )
  t.match(count([]), { outcome: 'defeated', winner: null, leaders: [] })
  t.match(count([['0', rank(0)]]), { outcome: 'defeated', winner: null })
  t.end()
})

t.test('ties are followed as far as the work allows; then all that are left are leaders', (t) => {
  // Twenty choices with one first place each: 20! orders, and each choice can be the one that stays.
  const votes = Array.from({ length: 20 }, (_, i): [string, Ballot] => ['1', rank(i)])
  const found = count(votes, {}, 20)
  t.equal(found.outcome, 'tied')
  t.equal(found.leaders.length, 20)
  t.end()
})
