import t from 'tap'
import { createCopyTally } from '../src/copy-tally.ts'

t.test('what comes on the other plane is a copy, as often as the unit had datagrams', async (t) => {
  const tally = createCopyTally(64)
  tally.accepted(5, 2, 1)
  t.notOk(tally.isCopy(5, 2), 'again on the same tree: a replay')
  t.ok(tally.isCopy(5, 3))
  t.notOk(tally.isCopy(5, 3), 'once')
  tally.accepted(6, 3, 3)
  t.strictSame(
    [2, 3, 2, 2].map((plane) => tally.isCopy(6, plane)),
    [true, true, true, false],
    'the fragments that came first may be of either copy',
  )
  t.notOk(tally.isCopy(7, 2), 'a unit that was accepted before copies were known of')
  tally.accepted(5 + 64, 0, 1)
  t.ok(tally.isCopy(5 + 64, 2), 'a copy that went the ordinary way')
})
