import { parseShape, planNetwork } from '@x0t/testbed'
import t from 'tap'
import { sampleBook } from '../src/result.ts'
import { availabilityBook, inBoth } from '../src/soak-availability.ts'
import { connectedPairs, probePairs, type Disturbance } from '../src/soak-connectivity.ts'

const line = planNetwork('lab', parseShape('line:3'))
const ring = planNetwork('lab', parseShape('ring:4'))
/** n0-n1, n1-n2, n0-n2 */
const three = [
  [0, 1],
  [1, 2],
  [0, 2],
] as const

t.test('pairs are connected where links and hosts that work join them', async (t) => {
  const on = (...disturbances: Disturbance[]): readonly boolean[] => connectedPairs(line, three, disturbances)
  t.strictSame(on(), [true, true, true])
  for (const kind of ['down', 'blackhole', 'one-way', 'flap'])
    t.strictSame(on({ target: 'link:n1-n0', kind }), [false, true, false], `a link with ${kind} joins nobody`)
  for (const kind of ['loss', 'loss-from', 'latency'])
    t.strictSame(on({ target: 'link:n0-n1', kind }), [true, true, true], `a link with ${kind} is a link`)
  for (const kind of ['crash', 'freeze'])
    t.strictSame(on({ target: 'node:n0', kind }), [false, true, false], `a host with ${kind} is not there`)
  t.strictSame(
    on({ target: 'node:n1', kind: 'byzantine' }),
    [true, true, false],
    'a liar answers for itself only',
  )
  t.strictSame(on({ target: 'set:n0+n1', kind: 'partition' }), [true, false, false])
  t.strictSame(
    connectedPairs(ring, three, [{ target: 'link:n0-n1', kind: 'down' }]),
    [true, true, true],
    'there is a way round',
  )
})

t.test('every host is in as many pairs', async (t) => {
  t.equal(probePairs(10, 66).length, 45, '10 * 9 / 2')
  t.strictSame(probePairs(4, 66), [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 0],
    [0, 2],
    [1, 3],
  ])
  t.strictSame(probePairs(2, 66), [[0, 1]])
  const many = probePairs(50, 66)
  t.equal(many.length, 100, 'distances 1 and 2')
  for (let host = 0; host < 50; host++)
    t.equal(many.filter((pair) => pair.includes(host)).length, 4, `host ${host}`)
})

t.test('availability counts what should have been possible when a probe was sent', async (t) => {
  const book = availabilityBook()
  const [all, none] = [
    [true, true],
    [true, false],
  ]
  book.add({ pair: 0, sentMs: 0, answered: false }) // before the first state
  book.enter(10, all, 'none')
  book.enter(20, inBoth(all, none), 'down')
  book.enter(30, all, 'down')
  for (const [pair, sentMs, answered] of [
    [0, 10, true],
    [1, 19.9, true],
    [0, 20, false],
    [1, 25, false],
    [1, 30, false],
    [0, 35, true],
    // Told late: it belongs to the state in which it was sent.
    [1, 15, true],
  ] as const)
    book.add({ pair, sentMs, answered })
  const results = sampleBook()
  book.addTo(results)
  const of = (name: string): number | undefined => results.results().find((one) => one.name === name)?.median
  // Due: all but pair 1 at 25. Answered of these 6: 4. Raw: 4 of 7.
  t.equal(of('probes'), 6)
  t.equal(of('availability')?.toFixed(3), '66.667')
  t.equal(of('availability-raw')?.toFixed(3), '57.143')
  t.equal(of('availability/none'), 100)
  t.equal(of('availability/down')?.toFixed(3), '33.333')
  const empty = sampleBook()
  availabilityBook().addTo(empty)
  t.strictSame(
    empty.results().map(({ name }) => name),
    ['probes'],
    'nothing is told that was not measured',
  )
})
