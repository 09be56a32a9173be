import t from 'tap'
import fc from 'fast-check'
import { createHop, createForwarding, maxRemaining, writePlane, type Hop } from '../src/planes.ts'
import type { Link } from '../src/links.ts'
import type { Route } from '../src/routes.ts'
import { createArena } from '../src/arena.ts'
import { createFakeKernel } from './support/fake-kernel.ts'

/** Forwarding where only these neighbours live. */
function over(...living: string[]) {
  const links = new Map(living.map((neighbour, slot) => [neighbour, { slot, neighbour } as unknown as Link]))
  return createForwarding({
    alive: (neighbour) => links.get(neighbour ?? ''),
    newest: () => undefined,
  })
}
const route = (extra: Partial<Route>): Route => ({
  labelHigh: 0,
  labelLow: 0,
  address: [0, 0, 0, 0],
  peer: 0,
  nextHop: 'e',
  feasibleUs: 100,
  alternate: undefined,
  red: undefined,
  blue: undefined,
  former: undefined,
  hitless: false,
  datagramBytes: 1472,
  ...extra,
})
const seen = ({ link, plane, remaining }: Hop) => [link?.neighbour, plane, remaining]
const red = { neighbour: 'r', hops: 4 }
const blue = { neighbour: 'b', hops: 6 }
const repair = { neighbour: 'n', plane: 1, remaining: 180 } as const

t.test(
  'the source takes the next hop, then the alternate, then the shorter tree, then the other',
  async (t) => {
    const hop = createHop()
    const full = route({ alternate: repair, red, blue })
    t.equal(over('e', 'n', 'r', 'b').first(full, hop), undefined)
    t.strictSame(seen(hop), ['e', 0, 100])
    over('n', 'r', 'b').first(full, hop)
    t.strictSame(seen(hop), ['n', 1, 180])
    over('r', 'b').first(full, hop)
    t.strictSame(seen(hop), ['r', 2, 4])
    over('b').first(full, hop)
    t.strictSame(seen(hop), ['b', 3, 6])
    over('r', 'b').first(route({ red, blue: { neighbour: 'b', hops: 3 } }), hop)
    t.strictSame(seen(hop), ['b', 3, 3])
    t.equal(over().first(full, hop), 'down')
    t.equal(hop.link, undefined)
    over('r', 'b').first(route({ alternate: { neighbour: 'b', plane: 3, remaining: 6 }, red, blue }), hop)
    t.strictSame(seen(hop), ['b', 3, 6], 'an alternate on a tree goes before the other tree')
  },
)

t.test('a relay takes only what comes from farther away, and never sends it straight back', async (t) => {
  const hop = createHop()
  t.equal(over('e').next(route({}), 0, 101, 'x', hop), undefined)
  t.strictSame(seen(hop), ['e', 0, 100])
  t.equal(over('e').next(route({}), 0, 100, 'x', hop), 'loop', 'not from as far')
  t.equal(over('e').next(route({}), 0, 101, 'e', hop), 'loop', 'not back')
  t.equal(over().next(route({}), 0, 101, 'x', hop), 'down')
  over('e').next(route({}), 1, maxRemaining, 'x', hop)
  t.strictSame(seen(hop), ['e', 1, 100], 'the plane stays')
})

t.test('a relay that cannot keep the plane raises it', async (t) => {
  const hop = createHop()
  over('n').next(route({ alternate: repair }), 0, 50, 'x', hop)
  t.strictSame(seen(hop), ['n', 1, 180])
  over('e', 'n').next(route({ alternate: repair }), 0, 50, 'x', hop)
  t.strictSame(seen(hop), ['n', 1, 100], 'where the next hop lives nobody farther passes it on')
  t.equal(over('n').next(route({ alternate: repair }), 0, 500, 'n', hop), 'down', 'a repair never goes back')
  t.equal(over('n').next(route({ alternate: repair }), 1, 500, 'x', hop), 'down', 'one repair only')
  over('n', 'r').next(route({ alternate: repair, red, blue }), 1, 500, 'r', hop)
  t.strictSame(seen(hop), ['r', 2, 4], 'but a tree may lead back')
})

t.test('on a tree a datagram stays on it, comes nearer, or is dropped', async (t) => {
  const hop = createHop()
  const both = route({ red, blue })
  over('e', 'r', 'b').next(both, 2, 5, 'x', hop)
  t.strictSame(seen(hop), ['r', 2, 4])
  over('e', 'r', 'b').next(both, 3, 7, 'b', hop)
  t.strictSame(seen(hop), ['b', 3, 6])
  t.equal(over('e', 'r', 'b').next(both, 2, 4, 'x', hop), 'loop')
  t.equal(over('e', 'b').next(both, 2, 5, 'x', hop), 'down', 'never from red to blue')
  t.equal(over('e', 'r').next(route({ red }), 3, 5, 'x', hop), 'down', 'no such tree here')
})

t.test(
  'a hitless unit goes on both trees, and the ordinary way instead of one that is cut off',
  async (t) => {
    const hops = [createHop(), createHop(), createHop()]
    const copies = (count: number) => hops.slice(0, count).map(seen)
    const full = route({ red, blue })
    t.strictSame(copies(over('e', 'r', 'b').both(full, hops)), [
      ['r', 2, 4],
      ['b', 3, 6],
    ])
    t.strictSame(copies(over('e', 'b').both(full, hops)), [
      ['b', 3, 6],
      ['e', 0, 100],
    ])
    t.strictSame(
      copies(over('b').both(full, hops)),
      [['b', 3, 6]],
      'the same link twice would be for nothing',
    )
    t.strictSame(copies(over('e').both(full, hops)), [['e', 0, 100]])
    t.equal(over().both(full, hops), 0)
  },
)

t.test('what has no other way goes over a silent link rather than nowhere', async (t) => {
  const links = new Map(
    ['e', 'r', 'b'].map((neighbour, slot) => [neighbour, { slot, neighbour } as unknown as Link]),
  )
  const hops = [createHop(), createHop(), createHop()]
  const only = (...living: string[]) =>
    createForwarding({
      alive: (neighbour = '') => (living.includes(neighbour) ? links.get(neighbour) : undefined),
      newest: (neighbour) => links.get(neighbour),
    })
  const full = route({ red, blue })
  const sent = (count: number) =>
    hops.slice(0, count).map((hop) => [hop.link?.neighbour, hop.plane, hop.isSilent])
  t.strictSame(sent(only().both(full, hops)), [
    ['r', 2, true],
    ['b', 3, true],
  ])
  t.strictSame(sent(only('e', 'b').both(full, hops)), [
    ['b', 3, false],
    ['e', 0, false],
    ['r', 2, true],
  ])
  const [hop] = hops
  t.equal(only().next(full, 2, 5, 'x', hop!), undefined)
  t.strictSame(sent(1), [['r', 2, true]])
  t.equal(only().next(full, 2, 4, 'x', hop!), 'loop', 'but never from as near')
  t.equal(only().next(full, 0, 500, 'x', hop!), undefined)
  t.strictSame(sent(1), [[full.nextHop, 0, true]], 'the last way out of all others')
  t.equal(only().next(full, 0, 1, 'x', hop!), 'down', 'but never from as near')
  t.equal(only().next(full, 0, 500, full.nextHop, hop!), 'down', 'nor straight back')
})

t.test('while the trees change a source holds on to the former ones and adds the ordinary way', async (t) => {
  const hops = [createHop(), createHop(), createHop()]
  const copies = (count: number) => hops.slice(0, count).map(seen)
  const former = {
    red: { neighbour: 'o', hops: 3 },
    blue: { neighbour: 'p', hops: 5 },
    changedAtMs: 0,
    isHeld: true,
    untilMs: 1000,
  }
  const changing = route({ red, blue, former })
  t.strictSame(copies(over('e', 'r', 'b', 'o', 'p').both(changing, hops)), [
    ['o', 2, 3],
    ['p', 3, 5],
    ['e', 0, 100],
  ])
  t.strictSame(
    copies(over('e', 'r', 'b', 'p').both(changing, hops)),
    [
      ['r', 2, 4],
      ['p', 3, 5],
      ['e', 0, 100],
    ],
    'a former tree that is cut off here gives way to the new one',
  )
  former.isHeld = false
  t.strictSame(copies(over('e', 'r', 'b', 'o', 'p').both(changing, hops)), [
    ['r', 2, 4],
    ['b', 3, 6],
  ])
})

t.test('a relay stays on the trees that its predecessor used, which the distance tells', async (t) => {
  const hop = createHop()
  const former = { red: { neighbour: 'o', hops: 9 }, blue, changedAtMs: 0, isHeld: true, untilMs: 1000 }
  const changing = route({ red, blue, former })
  const relay = over('r', 'o', 'b')
  relay.next(changing, 2, 5, 'x', hop)
  t.strictSame(seen(hop), ['r', 2, 4], 'the sender was 5 away: on the new tree')
  relay.next(changing, 2, 10, 'x', hop)
  t.strictSame(seen(hop), ['o', 2, 9], 'the sender was 10 away: on the former one')
  relay.next(changing, 2, 20, 'x', hop)
  t.strictSame(seen(hop), ['o', 2, 9], 'neither: as at the source')
  relay.next(changing, 2, 7, 'x', hop)
  t.strictSame(seen(hop), ['r', 2, 4], 'only one is near enough')
  t.equal(relay.next(changing, 2, 4, 'x', hop), 'loop')
})

t.test('whatever the relays believe, plane and remaining distance go one way', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const name = fc.constantFrom(...names)
  const distance = fc.oneof(fc.nat(6), fc.nat(maxRemaining))
  const tree = fc.option(fc.record({ neighbour: name, hops: distance }), { nil: undefined })
  const entry = fc.record({
    nextHop: name,
    feasibleUs: distance,
    alternate: fc.option(
      fc.record({ neighbour: name, plane: fc.constantFrom(1, 2, 3), remaining: distance }),
      { nil: undefined },
    ),
    red: tree,
    blue: tree,
  })
  const arena = createArena(
    1024,
    createFakeKernel(() => {}),
  )
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 6, maxLength: 6 }),
      fc.array(fc.subarray(names), { minLength: 6, maxLength: 6 }),
      (entries, living) => {
        const hop = createHop()
        let at = 'a'
        let refused = over(...living[0]!).first(route(entries[0]!), hop)
        for (let steps = 0; refused === undefined; steps++) {
          const { plane, remaining } = hop
          writePlane(arena, 64, plane, remaining)
          const word = arena.view.getInt32(68)
          if (word >>> 30 !== plane || (word & maxRemaining) !== remaining) return false
          const from = at
          at = hop.link!.neighbour
          const index = names.indexOf(at)
          refused = over(...living[index]!).next(route(entries[index]!), plane, remaining, from, hop)
          if (refused !== undefined) break
          const isNearer = hop.plane === plane ? hop.remaining < remaining : hop.plane > plane
          if (!isNearer || (plane >= 2 && hop.plane !== plane) || steps > 4 * names.length) return false
        }
        return true
      },
    ),
    { seed: 80, numRuns: 2000 },
  )
})
