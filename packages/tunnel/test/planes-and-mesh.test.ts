// The planes of the data plane beside those of @x0t/mesh, which decides alike for its own messages and makes the trees.
import t from 'tap'
import fc from 'fast-check'
import type { NodeId } from '@x0t/core'
import {
  buildGraph,
  forward,
  independentTrees,
  planes,
  sourceRemaining,
  type IndependentPaths,
  type ListedLink,
  type Plane,
  type Route as MeshRoute,
} from '@x0t/mesh'
import type { Link } from '../src/links.ts'
import { createForwarding, createHop, type Hop } from '../src/planes.ts'
import type { FormerTrees, Route, TreeHop } from '../src/routes.ts'

const linkTo = (neighbour: string): Link => ({ neighbour }) as unknown as Link
const nothing: Route = {
  labelHigh: 0,
  labelLow: 0,
  address: [0, 0, 0, 0],
  peer: 0,
  nextHop: '',
  feasibleUs: 0,
  alternate: undefined,
  red: undefined,
  blue: undefined,
  former: undefined,
  hitless: true,
  datagramBytes: 1472,
}

t.test('data plane and mesh decide alike, whatever the route, the distance and the links', async () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd') as fc.Arbitrary<NodeId>
  const distance = fc.nat(12)
  const tree = fc.option(fc.record({ nextHop: name, hops: distance }), { nil: undefined })
  const alternate = fc.option(
    fc.record({
      neighbour: name,
      plane: fc.constantFrom('repair' as const, 'red' as const, 'blue' as const),
      remaining: distance,
      kind: fc.constant('link-protecting' as const),
    }),
    { nil: undefined },
  )
  fc.assert(
    fc.property(
      fc.record({ nextHop: name, feasibleUs: distance, alternate, red: tree, blue: tree }),
      fc.nat(3),
      fc.option(distance, { nil: undefined }),
      name,
      fc.subarray(['a', 'b', 'c', 'd']),
      ({ nextHop, feasibleUs, alternate, red, blue }, onPlane, remaining, from, living) => {
        const meshRoute = { nextHop, feasibleUs, alternate, red, blue } as unknown as MeshRoute
        const isSource = remaining === undefined
        const expected = forward(
          meshRoute,
          isSource ? planes.shortest : (onPlane as Plane),
          remaining ?? sourceRemaining,
          isSource ? undefined : from,
          (id) => living.includes(id),
        )
        const toTree = (hop: typeof red): TreeHop | undefined =>
          hop && { neighbour: hop.nextHop, hops: hop.hops }
        const route: Route = {
          ...nothing,
          nextHop,
          feasibleUs,
          alternate: alternate && { ...alternate, plane: planes[alternate.plane] },
          red: toTree(red),
          blue: toTree(blue),
        }
        const hop = createHop()
        const forwarding = createForwarding({
          alive: (neighbour = '') => (living.includes(neighbour) ? linkTo(neighbour) : undefined),
          newest: () => undefined,
        })
        const refusal = isSource
          ? forwarding.first(route, hop)
          : forwarding.next(route, onPlane, remaining, from, hop)
        if ('drop' in expected)
          return refusal === (expected.drop === 'no-progress' ? 'loop' : 'down') && hop.link === undefined
        return (
          refusal === undefined &&
          hop.link?.neighbour === expected.next &&
          hop.plane === expected.plane &&
          hop.remaining === expected.remaining
        )
      },
    ),
    { seed: 84, numRuns: 20_000 },
  )
})

/** Linear congruential numbers in [0, 1). */
const seeded = (seed: number): (() => number) => {
  let state = seed
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}

type Trees = ReadonlyMap<NodeId, ReadonlyMap<NodeId, IndependentPaths>>
type Edge = readonly [number, number]
const idOf = (node: number): NodeId => `node${String.fromCharCode(97 + node)}` as NodeId

/** Everybody's trees in the graph of these links. */
function treesOf(nodes: readonly number[], edges: readonly Edge[]): Trees {
  const listed = new Map(nodes.map((node) => [idOf(node), new Map<NodeId, ListedLink>()]))
  for (const [a, b] of edges) {
    listed.get(idOf(a))!.set(idOf(b), { costUs: 1, datagramBytes: 1472 })
    listed.get(idOf(b))!.set(idOf(a), { costUs: 1, datagramBytes: 1472 })
  }
  const graph = buildGraph(listed)
  return new Map(nodes.map((node) => [idOf(node), independentTrees(graph, idOf(node))]))
}

/** A ring with chords: no single failure parts it. */
function twoConnected(random: () => number, size: number): Edge[] {
  const edges: Edge[] = Array.from({ length: size }, (_, i) => [i, (i + 1) % size])
  for (let i = 0; i < size / 2; i++) {
    const [a, b] = [Math.floor(random() * size), Math.floor(random() * size)]
    if (a !== b && !edges.some(([c, d]) => (c === a && d === b) || (c === b && d === a))) edges.push([a, b])
  }
  return edges
}

t.test('hitless units arrive while the members learn of a failure one after the other', async (t) => {
  // Milliseconds: a failure at 0 is noticed by its neighbours at 30 and known to everybody at 900.
  const [noticedMs, knownMs, holdMs] = [30, 900, 1000]
  let copies = 0
  let sent = 0
  for (let seed = 1; seed <= 400; seed++) {
    const random = seeded(seed)
    const size = 4 + Math.floor(random() * 8)
    const nodes = Array.from({ length: size }, (_, i) => i)
    const edges = twoConnected(random, size)
    const [from, to] = [0, 1 + Math.floor(random() * (size - 1))]
    // A relay dies, or a link.
    const relays = nodes.filter((node) => node !== from && node !== to)
    const dead = random() < 0.5 ? relays[Math.floor(random() * relays.length)]! : undefined
    const cut = dead === undefined ? edges[Math.floor(random() * edges.length)]! : undefined
    const isBroken = ([a, b]: Edge): boolean =>
      a === dead || b === dead || (cut !== undefined && a === cut[0] && b === cut[1])
    const before = treesOf(nodes, edges)
    const after = treesOf(
      nodes.filter((node) => node !== dead),
      edges.filter((edge) => !isBroken(edge)),
    )
    const broken = new Set(edges.filter(isBroken).flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`]))
    const learntMs = nodes.map(() => noticedMs + random() * (knownMs - noticedMs))
    const numberOf = (name: string): number => name.charCodeAt(4) - 97

    for (let atMs = -50; atMs < 3500; atMs += 25) {
      const routeAt = (node: number): Route => {
        const hops = (trees: Trees): Pick<Route, 'red' | 'blue'> => {
          const paths = trees.get(idOf(node))?.get(idOf(to))
          const hop = (one: IndependentPaths['red'] | undefined): TreeHop | undefined =>
            one && { neighbour: one.nextHop, hops: one.hops }
          return { red: hop(paths?.red), blue: hop(paths?.blue) }
        }
        const sinceMs = atMs - learntMs[node]!
        const old = hops(before)
        const now = sinceMs < 0 ? old : hops(after)
        const same = JSON.stringify(old) === JSON.stringify(now)
        const former: FormerTrees | undefined =
          sinceMs < 0 || same || sinceMs >= 2 * holdMs
            ? undefined
            : { ...old, red: old.red, blue: old.blue, changedAtMs: 0, isHeld: sinceMs < holdMs, untilMs: 0 }
        return {
          ...nothing,
          ...now,
          nextHop: now.red?.neighbour ?? '',
          feasibleUs: now.red?.hops ?? 0,
          former,
        }
      }
      const forwardingOf = (node: number) =>
        createForwarding({
          alive: (neighbour = '') =>
            neighbour === '' || (atMs >= noticedMs && broken.has(`${node} ${numberOf(neighbour)}`))
              ? undefined
              : linkTo(neighbour),
          newest: () => undefined,
        })
      const arrives = (start: Hop): boolean => {
        let { plane, remaining } = start
        let [last, node] = [from, numberOf(start.link!.neighbour)]
        for (;;) {
          if (atMs >= 0 && broken.has(`${last} ${node}`)) return false
          if (node === to) return true
          const hop = createHop()
          const refusal = forwardingOf(node).next(routeAt(node), plane, remaining, idOf(last), hop)
          if (refusal !== undefined) return false
          ;({ plane, remaining } = hop)
          ;[last, node] = [node, numberOf(hop.link!.neighbour)]
        }
      }
      const hops = [createHop(), createHop(), createHop()]
      const count = forwardingOf(from).both(routeAt(from), hops)
      sent++
      copies += count
      if (!hops.slice(0, count).some(arrives))
        t.fail(
          `seed ${seed}: lost ${atMs} ms after ${dead === undefined ? `link ${cut?.join(' ')}` : `node ${dead}`} failed`,
        )
    }
  }
  t.ok(copies / sent < 2.5, `${(copies / sent).toFixed(2)} copies of each`)
})
