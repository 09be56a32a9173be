import t from 'tap'
import { defaultRules, tally } from '../src/index.ts'
import { inputOf, motion, single } from './election.ts'

t.test('weights are roots of tokens: 25 against 16 and 9 is 5 to 7', (t) => {
  const found = tally(
    inputOf(defaultRules, motion, [
      ['25', single(1)],
      ['16', single(0)],
      ['9', single(0)],
    ]),
  )
  t.equal(found.scores[0]!.score, '7.000000000')
  t.equal(found.scores[1]!.score, '5.000000000')
  t.equal(found.scores[0]!.percent, '58.33')
  t.equal(found.outcome, 'passed')
  t.equal(found.winner, 0)
  t.end()
})
