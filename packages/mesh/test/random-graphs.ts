import { createSeededRandom, type SeededRandom } from '@x0t/simnet'
import type { NodeId } from '@x0t/core'
import {
  buildGraph,
  computeRoutes,
  forward,
  independentTrees,
  planes,
  sourceRemaining,
  type ListedLink,
  type Plane,
  type RouteTable,
  type TopologyGraph,
} from '../src/index.ts'
import { idOf, type Edge } from './mesh-network.ts'

/** A ring of random order with random chords: two-connected. Costs differ by direction. */
export function twoConnected(random: SeededRandom, size: number): Edge[] {
  const order = shuffled(random, size)
  const edges: Edge[] = order.map((a, i) => [a, order[(i + 1) % size]!, 1 + random.integer(20)])
  const seen = new Set(edges.map(keyOf))
  const chords = random.integer(size)
  for (let i = 0; i < chords; i++) {
    const edge: Edge = [random.integer(size), random.integer(size), 1 + random.integer(20)]
    if (edge[0] === edge[1] || seen.has(keyOf(edge))) continue
    seen.add(keyOf(edge))
    edges.push(edge)
  }
  return edges
}

/** Any graph, connected or not. */
export function anyGraph(random: SeededRandom, size: number): Edge[] {
  const edges: Edge[] = []
  const ratio = random.number()
  for (let a = 0; a < size; a++)
    for (let b = 0; b < a; b++) if (random.number() < ratio) edges.push([a, b, 1 + random.integer(20)])
  return edges
}

function shuffled(random: SeededRandom, size: number): number[] {
  const order = Array.from({ length: size }, (_, i) => i)
  for (let i = size - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}

const keyOf = ([a, b]: Edge): string => (a < b ? `${a} ${b}` : `${b} ${a}`)

/** The graph of these links; each direction costs by chance from `random`, where it is given. */
export function graphOf(size: number, edges: readonly Edge[], random?: SeededRandom): TopologyGraph {
  const listed = new Map<NodeId, Map<NodeId, ListedLink>>(
    Array.from({ length: size }, (_, i) => [idOf(i), new Map()]),
  )
  for (const [a, b, costUs = 1] of edges)
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const)
      listed.get(idOf(from))!.set(idOf(to), {
        costUs: random === undefined ? costUs : 1 + random.integer(20),
        datagramBytes: 1400,
      })
  return buildGraph(listed)
}

/** Everyone's routes, with trees. */
export function tablesOf(graph: TopologyGraph): Map<NodeId, RouteTable> {
  return new Map(
    graph.ids.map((id) => [
      id,
      computeRoutes(graph, id, { candidates: 32, trees: independentTrees(graph, id) }),
    ]),
  )
}

export interface Walk {
  readonly passed: readonly NodeId[]
  readonly planes: readonly Plane[]
  readonly reached: boolean
  readonly reason: string
}

/** Follows a packet hop by hop; throws where it breaks the promises of {@link forward}. */
export function walkPacket(
  tables: ReadonlyMap<NodeId, RouteTable>,
  from: NodeId,
  to: NodeId,
  isAlive: (node: NodeId, neighbour: NodeId) => boolean,
): Walk {
  const passed = [from]
  const taken: Plane[] = []
  const visits = new Set<string>()
  let at = from
  let before: NodeId | undefined
  let plane: Plane = planes.shortest
  let remaining = sourceRemaining
  while (at !== to) {
    const here = at
    const hop = forward(tables.get(at)?.get(to), plane, remaining, before, (id) => isAlive(here, id))
    if ('drop' in hop) return { passed, planes: taken, reached: false, reason: hop.drop }
    if (hop.plane < plane || (plane >= planes.red && hop.plane !== plane))
      throw new Error('a plane was left the wrong way')
    const visit = `${hop.plane} ${at}`
    if (visits.has(visit)) throw new Error(`a loop: ${passed.join(' ')}`)
    visits.add(visit)
    before = at
    at = hop.next
    plane = hop.plane
    remaining = hop.remaining
    passed.push(at)
    taken.push(plane)
  }
  return { passed, planes: taken, reached: true, reason: '' }
}

/** A seeded generator, and its seed for the failure message. */
export const seeded = (seed: string): SeededRandom => createSeededRandom(seed)
