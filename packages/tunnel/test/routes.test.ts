import t from 'tap'
import { createRoutes } from '../src/routes.ts'
import { addressOf, labelOf } from './support/fake-mesh.ts'

const entry = (red: number | undefined, blue: number | undefined, cost = 5) => ({
  label: labelOf('d'),
  address: addressOf('d'),
  peer: 3,
  nextHop: 'n',
  feasibleUs: cost,
  alternate: undefined,
  red: red === undefined ? undefined : { neighbour: 'r', hops: red },
  blue: blue === undefined ? undefined : { neighbour: 'b', hops: blue },
  hitless: false,
  pathDatagramBytes: 1472,
})

t.test('former trees are held for a second, kept for another, and then forgotten', async (t) => {
  const routes = createRoutes()
  const former = () => {
    const found = routes.byPeer(3)?.former
    return found && [found.red?.hops, found.blue?.hops, found.isHeld]
  }
  routes.replace([entry(2, 3)], 0)
  t.equal(former(), undefined, 'there was nothing before')
  routes.replace([entry(2, 3, 9)], 10)
  t.equal(former(), undefined, 'a cost is no tree')
  routes.replace([entry(4, 3)], 100)
  t.strictSame(former(), [2, 3, true], 'both, as they belong together')
  routes.replace([entry(4, 3, 7)], 150)
  t.strictSame(former(), [2, 3, true])
  routes.replace([entry(5, 6)], 600)
  t.strictSame(former(), [2, 3, true], 'one change rarely comes alone')
  routes.age(1599)
  t.strictSame(former(), [2, 3, true])
  routes.age(1600)
  t.strictSame(former(), [2, 3, false])
  routes.replace([entry(5, undefined)], 1700)
  t.strictSame(former(), [5, 6, true], 'a change after the calm')
  routes.age(2700)
  routes.age(3699)
  t.strictSame(former(), [5, 6, false])
  routes.age(3700)
  t.equal(former(), undefined)
  routes.age(10_000)
})

t.test('changes that do not end cannot hold on to old trees for more than three seconds', async (t) => {
  const routes = createRoutes()
  routes.replace([entry(1, 1)], 0)
  for (let at = 0; at < 2950; at += 100) routes.replace([entry(2 + at, 3)], at)
  t.equal(routes.byPeer(3)?.former?.untilMs, 3000)
  routes.age(3000)
  t.equal(routes.byPeer(3)?.former?.isHeld, false)
})

t.test('a number that is another member’s now has no former trees', async (t) => {
  const routes = createRoutes()
  routes.replace([entry(1, 1)], 0)
  routes.replace([{ ...entry(2, 2), label: labelOf('e') }], 10)
  t.equal(routes.byPeer(3)?.former, undefined)
})
