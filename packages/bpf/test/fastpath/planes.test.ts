import t from 'tap'
import fc from 'fast-check'
import { openTestRelay } from './support/load.ts'
import { flag, verdict, type RouteFields } from './support/fastpath.ts'
import { datagramIn, readDatagram } from './support/frames.ts'
import { nextHop, type Decision, type Neighbourhood } from './support/planes-model.ts'
import { dataFrom, frameFrom, targetLabel, type Relay } from './support/relay.ts'
import { requireKernel } from './support/capability.ts'

const kernel = requireKernel(t)
const maxRemaining = 2 ** 30 - 1

// Neighbours as in the tests of the userspace data plane.
const [e, n, r, b, x, o] = [0, 1, 2, 3, 4, 5] as const
const red = { neighbour: r, hops: 4 }
const blue = { neighbour: b, hops: 6 }
const repair = { neighbour: n, plane: 1, remaining: 180 }
const route = (extra: Partial<RouteFields>): RouteFields => ({
  nextHop: e,
  feasibleUs: 100,
  alternate: undefined,
  red: undefined,
  blue: undefined,
  former: undefined,
  ...extra,
})

type Outcome = Decision | 'down' | 'loop'

/** What the program decides; links that do not live are there (`linked`) or are not. */
function decide(
  { fastpath, neighbours, connect }: Relay,
  entry: RouteFields,
  plane: number,
  remaining: number,
  from: number,
  { living, linked }: Neighbourhood,
): Outcome {
  for (const to of neighbours) {
    const isLinked = linked.has(to.index) || to.index === from
    const alive = living.has(to.index) ? flag.userAlive : 0
    connect(to, { flags: isLinked ? flag.used | alive : 0 })
  }
  fastpath.setRoute(targetLabel, entry)
  const before = fastpath.counters()
  const { verdict: result, packet } = fastpath.run(
    frameFrom(neighbours[from]!, dataFrom(neighbours[from]!, { plane, remaining })),
  )
  const after = fastpath.counters()
  const grown = Object.entries(after).flatMap(([name, value]) =>
    value === before[name as keyof typeof before] ? [] : [name],
  )
  if (result === verdict.drop && grown.join() === 'droppedLoop') return 'loop'
  if (result === verdict.pass && grown.join() === 'toUserspace') return 'down'
  if (result !== verdict.redirect) throw new Error(`verdict ${result}, counted ${grown.join()}`)
  const got = readDatagram(datagramIn(packet))
  const expected = [
    'forwarded',
    ...(got.plane === plane ? [] : [got.plane === 1 ? 'toRepair' : 'toTree']),
    ...(grown.includes('toSilent') ? ['toSilent'] : []),
  ]
  if (grown.join() !== expected.join()) throw new Error(`counted ${grown.join()}, not ${expected.join()}`)
  const to = neighbours.find(({ remoteLinkId }) => remoteLinkId === got.linkId)
  return {
    neighbour: to!.index,
    plane: got.plane,
    remaining: got.remaining,
    isSilent: grown.includes('toSilent'),
  }
}

const only = (...living: number[]): Neighbourhood => ({ living: new Set(living), linked: new Set(living) })
/** The others have a link too, but a silent one. */
const among = (...living: number[]): Neighbourhood => ({
  living: new Set(living),
  linked: new Set([e, n, r, b, x, o]),
})

t.test('a relay decides as the userspace data plane does', kernel, async (t) => {
  using relay = await openTestRelay(6)
  const both = route({ red, blue })
  const full = route({ alternate: repair, red, blue })
  const former = { red: { neighbour: o, hops: 9 }, blue, isHeld: true }
  const changing = route({ red, blue, former })
  const cases: readonly [
    what: string,
    Neighbourhood,
    RouteFields,
    plane: number,
    remaining: number,
    from: number,
    expected:
      | readonly [neighbour: number, plane: number, remaining: number, silent?: 'silent']
      | 'down'
      | 'loop',
  ][] = [
    ['from farther away', only(e), route({}), 0, 101, x, [e, 0, 100]],
    ['not from as far', only(e), route({}), 0, 100, x, 'loop'],
    ['not straight back', only(e), route({}), 0, 101, e, 'loop'],
    ['nobody lives', only(), route({}), 0, 101, x, 'down'],
    ['the plane stays', only(e), route({}), 1, maxRemaining, x, [e, 1, 100]],
    ['the alternate takes over', only(n), route({ alternate: repair }), 0, 50, x, [n, 1, 180]],
    [
      'where the next hop lives nobody farther passes it on',
      only(e, n),
      route({ alternate: repair }),
      0,
      50,
      x,
      [n, 1, 100],
    ],
    ['a repair never goes back', only(n), route({ alternate: repair }), 0, 500, n, 'down'],
    ['one repair only', only(n), route({ alternate: repair }), 1, 500, x, 'down'],
    ['but a tree may lead back', only(n, r), full, 1, 500, r, [r, 2, 4]],
    ['the shorter tree first', only(r, b), full, 0, 500, x, [r, 2, 4]],
    ['the longer if the shorter is dead', only(b), full, 0, 500, x, [b, 3, 6]],
    [
      'blue if it is shorter',
      only(r, b),
      route({ red, blue: { neighbour: b, hops: 3 } }),
      0,
      500,
      x,
      [b, 3, 3],
    ],
    ['blue if it is all there is', only(b), route({ blue }), 0, 500, x, [b, 3, 6]],
    [
      'an alternate on a tree goes before the other tree',
      only(r, b),
      route({ alternate: { neighbour: b, plane: 3, remaining: 6 }, red, blue }),
      0,
      500,
      x,
      [b, 3, 6],
    ],
    [
      'an alternate on a tree may lead back',
      only(b),
      route({ alternate: { neighbour: b, plane: 3, remaining: 6 } }),
      0,
      500,
      b,
      [b, 3, 6],
    ],
    [
      'no alternate on a plane below',
      only(b),
      route({ alternate: repair, blue: undefined }),
      1,
      500,
      b,
      'down',
    ],
    ['a tree when it came no nearer', only(e, r), both, 0, 50, x, [r, 2, 4]],
    ['on red it stays', only(e, r, b), both, 2, 5, x, [r, 2, 4]],
    ['on blue too, even back', only(e, r, b), both, 3, 7, b, [b, 3, 6]],
    ['on a tree it comes nearer or is dropped', only(e, r, b), both, 2, 4, x, 'loop'],
    ['never from red to blue', only(e, b), both, 2, 5, x, 'down'],
    ['no such tree here', only(e, r), route({ red }), 3, 5, x, 'down'],
    ['a distance of nothing', only(r), both, 2, 0, x, 'loop'],
    ['the last way out is a silent link', among(), full, 0, 500, x, [e, 0, 100, 'silent']],
    ['but not from as near', among(), full, 0, 1, x, 'down'],
    ['nor straight back', among(), full, 0, 500, e, 'down'],
    ['on a tree too', among(), full, 2, 5, x, [r, 2, 4, 'silent']],
    ['there not from as near either', among(), full, 2, 4, x, 'loop'],
    ['a living link goes before a silent one', among(b), full, 0, 500, x, [b, 3, 6]],
    ['the sender was on the new tree', only(r, o, b), changing, 2, 5, x, [r, 2, 4]],
    ['the sender was on the former one', only(r, o, b), changing, 2, 10, x, [o, 2, 9]],
    ['on neither: the former while it is held', only(r, o, b), changing, 2, 20, x, [o, 2, 9]],
    [
      'on neither: the new one afterwards',
      only(r, o, b),
      route({ red, blue, former: { ...former, isHeld: false } }),
      2,
      20,
      x,
      [r, 2, 4],
    ],
    ['only one is near enough', only(r, o, b), changing, 2, 7, x, [r, 2, 4]],
    ['neither is', only(r, o, b), changing, 2, 4, x, 'loop'],
    ['a former tree that is cut off gives way', only(r), changing, 2, 10, x, [r, 2, 4]],
    ['what enters a tree here takes the new one', only(r, o), changing, 0, 50, x, [r, 2, 4]],
    ['or the former if the new one is cut off', only(o), changing, 0, 50, x, [o, 2, 9]],
    ['a former tree where there is none now', only(o), route({ former }), 2, 10, x, [o, 2, 9]],
    [
      'the largest distance',
      only(e),
      route({ feasibleUs: maxRemaining - 1 }),
      0,
      maxRemaining,
      x,
      [e, 0, maxRemaining - 1],
    ],
  ]
  for (const [what, around, entry, plane, remaining, from, expected] of cases) {
    const outcome: Outcome =
      typeof expected === 'string'
        ? expected
        : {
            neighbour: expected[0],
            plane: expected[1],
            remaining: expected[2],
            isSilent: expected[3] === 'silent',
          }
    t.strictSame(decide(relay, entry, plane, remaining, from, around), outcome, what)
    t.strictSame(nextHop(entry, plane, remaining, from, around), outcome, `the model: ${what}`)
  }
})

t.test('it decides as the model does whatever the routes and whoever lives', kernel, async () => {
  using relay = await openTestRelay(6)
  const name = fc.nat(5)
  const distance = fc.oneof(fc.nat(6), fc.nat(maxRemaining))
  const hops = fc.oneof(fc.nat(6), fc.nat(65_535))
  const tree = fc.option(fc.record({ neighbour: name, hops }), { nil: undefined })
  const entry: fc.Arbitrary<RouteFields> = fc.record({
    nextHop: name,
    feasibleUs: distance,
    alternate: fc.option(
      fc.record({ neighbour: name, plane: fc.constantFrom(1, 2, 3), remaining: distance }),
      { nil: undefined },
    ),
    red: tree,
    blue: tree,
    former: fc.option(fc.record({ red: tree, blue: tree, isHeld: fc.boolean() }), { nil: undefined }),
  })
  const names = [0, 1, 2, 3, 4, 5]
  fc.assert(
    fc.property(
      entry,
      fc.nat(3),
      distance,
      name,
      fc.subarray(names),
      fc.subarray(names),
      (entry, plane, remaining, from, living, silent) => {
        const around = { living: new Set(living), linked: new Set([...living, ...silent, from]) }
        // Who sent this has a link; it may be silent.
        const expected = nextHop(entry, plane, remaining, from, around)
        const got = decide(relay, entry, plane, remaining, from, around)
        return JSON.stringify(got) === JSON.stringify(expected)
      },
    ),
    { seed: 12, numRuns: 1500 },
  )
})

t.test('the newest link of a neighbour is taken, the other while that is dead', kernel, async (t) => {
  using relay = await openTestRelay(6)
  const { fastpath, neighbours, connect } = relay
  const [from, renewed, older] = neighbours
  fastpath.setRoute(targetLabel, route({ nextHop: 1 }))
  const linkTaken = (): number => {
    const { packet } = fastpath.run(frameFrom(from!, dataFrom(from!)))
    return readDatagram(datagramIn(packet)).linkId
  }
  fastpath.setNeighbour(1, targetLabel, [renewed!.slot, older!.slot])
  t.equal(linkTaken(), renewed!.remoteLinkId)
  connect(renewed!, { flags: flag.used })
  t.equal(linkTaken(), older!.remoteLinkId)
  connect(older!, { flags: flag.used })
  t.equal(linkTaken(), renewed!.remoteLinkId, 'both are silent: the newest')
  t.equal(fastpath.counters().toSilent, 1n)
  fastpath.setNeighbour(1, new Uint8Array(8), [renewed!.slot, older!.slot])
  t.equal(
    fastpath.run(frameFrom(from!, dataFrom(from!))).verdict,
    verdict.pass,
    'an entry that is free leads nowhere',
  )
})
