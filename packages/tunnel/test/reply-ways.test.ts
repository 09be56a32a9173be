import t from 'tap'
import { createReplyWays } from '../src/reply-ways.ts'

t.test('replies go the usual way until some are missed, then every other one goes another', async (t) => {
  const ways = createReplyWays()
  t.strictSame(
    [
      ways.choose(1, 0, 0),
      ways.choose(2, 0, 1),
      ways.choose(3, 1, 1),
      ways.choose(4, 2, 1),
      ways.choose(5, 3, 1),
      ways.choose(6, 1, 4),
    ],
    ['usual', 'usual', 'usual', 'other', 'usual', 'other'],
  )
  t.notOk(ways.isUsualLost, 'replies 2 and 3 were lost on the usual way before 4')
  ways.choose(7, 1, 6)
  t.ok(ways.isUsualLost, '2, 3 and 5')
  ways.restart()
  t.notOk(ways.isUsualLost)
  t.equal(ways.choose(8, 0, 6), 'usual')
})

t.test('a reply that arrived the usual way ends it: the others were lost by chance', async (t) => {
  const ways = createReplyWays()
  for (let id = 1; id <= 4; id++) ways.choose(id, id - 1, 0)
  t.equal(ways.choose(5, 2, 0), 'other', 'alternating')
  t.equal(ways.choose(6, 0, 4), 'usual')
  t.equal(ways.choose(7, 0, 6), 'usual')
  t.notOk(ways.isUsualLost)
  t.equal(ways.choose(8, 0, 9999), 'usual', 'a number that was never answered says nothing')
})
