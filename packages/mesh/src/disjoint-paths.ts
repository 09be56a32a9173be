import type { NodeId } from '@x0t/core'
import { linkBetween, type TopologyGraph } from './topology-graph.ts'

/** What the paths must not share: relays (and so links), or links only. */
export type Disjointness = 'node' | 'link'

/** One of several disjoint paths; plain data. */
export interface DisjointPath {
  /** From the first hop to the destination. */
  readonly path: readonly NodeId[]
  readonly costUs: number
}

/** Disjoint paths, and why there are no more; plain data. */
export interface DisjointPaths {
  /** Cheapest first. */
  readonly paths: readonly DisjointPath[]
  /**
   * Where there are fewer than asked for: what parts the two ends when it fails, as many nodes and links as there are
   * paths. Both lists empty where the ends are not connected.
   */
  readonly cut?: { readonly nodes: readonly NodeId[]; readonly links: readonly (readonly [NodeId, NodeId])[] }
}

/** A flow network in which every arc has its reverse at the index beside it. */
interface Flow {
  readonly heads: number[]
  readonly costs: number[]
  readonly capacities: number[]
  /** Arcs that leave a vertex. */
  readonly arcs: number[][]
}

/**
 * Up to `k` paths that share no relay, or no link, with the least sum of costs there is for so many: successive cheapest
 * augmenting paths on a flow network with negative residual costs (Suurballe 1974; Bhandari 1999, §3.3). Greedily taking
 * the shortest path and removing it would find fewer where that path is a trap.
 * @throws RangeError unless `k` is an integer from 1 and the ends differ
 */
export function kDisjointPaths(
  graph: TopologyGraph,
  from: NodeId,
  to: NodeId,
  k: number,
  by: Disjointness = 'node',
): DisjointPaths {
  if (!Number.isSafeInteger(k) || k < 1) throw new RangeError(`k is an integer from 1, not ${k}`)
  if (from === to) throw new RangeError('the ends of a path differ')
  const source = graph.indexOf.get(from)
  const target = graph.indexOf.get(to)
  if (source === undefined || target === undefined) return { paths: [], cut: { nodes: [], links: [] } }
  const flow = flowOf(graph, source, target, by)
  let count = 0
  while (count < k && augment(flow, outOf(source), into(target))) count++
  // Before the flow is taken apart.
  const cut = count === k ? {} : { cut: cutOf(graph, flow, source) }
  const paths = takePaths(flow, source, target, count).map((nodes) => describe(graph, source, nodes))
  const sorted = paths.toSorted((a, b) => a.costUs - b.costUs || a.path.length - b.path.length)
  return { paths: sorted, ...cut }
}

/** A node is two vertices: what comes in, and what goes out. */
const into = (node: number): number => 2 * node
const outOf = (node: number): number => 2 * node + 1
const nodeOf = (vertex: number): number => vertex >> 1

function flowOf(graph: TopologyGraph, source: number, target: number, by: Disjointness): Flow {
  const size = graph.ids.length
  const flow: Flow = {
    heads: [],
    costs: [],
    capacities: [],
    arcs: Array.from({ length: 2 * size }, () => []),
  }
  const add = (tail: number, head: number, costUs: number, capacity: number): void => {
    flow.arcs[tail]!.push(flow.heads.push(head) - 1)
    flow.arcs[head]!.push(flow.heads.push(tail) - 1)
    flow.costs.push(costUs, -costUs)
    flow.capacities.push(capacity, 0)
  }
  for (let u = 0; u < size; u++) {
    if (u !== source && u !== target) add(into(u), outOf(u), 0, by === 'node' ? 1 : Infinity)
    for (let edge = graph.offsets[u]!; edge < graph.offsets[u + 1]!; edge++) {
      const v = graph.targets[edge]!
      if (u === target || v === source) continue
      // Between relays the relays themselves are what is scarce, so that a cut consists of them.
      const isScarce = by === 'link' || (u === source && v === target)
      add(outOf(u), into(v), graph.costsUs[edge]!, isScarce ? 1 : Infinity)
    }
  }
  return flow
}

/** Sends one more unit by the cheapest way there is (Bellman & Ford with a queue); false where there is none. */
function augment({ heads, costs, capacities, arcs }: Flow, source: number, target: number): boolean {
  const distances = new Float64Array(arcs.length).fill(Infinity)
  const before = new Int32Array(arcs.length).fill(-1)
  const isQueued = new Uint8Array(arcs.length)
  distances[source] = 0
  const queue = [source]
  for (const u of queue) {
    isQueued[u] = 0
    for (const arc of arcs[u]!) {
      const v = heads[arc]!
      const distance = distances[u]! + costs[arc]!
      if (capacities[arc] === 0 || distance >= distances[v]!) continue
      distances[v] = distance
      before[v] = arc
      if (isQueued[v] === 0) queue.push(v)
      isQueued[v] = 1
    }
  }
  if (before[target] === -1) return false
  for (let v = target; v !== source; v = heads[before[v]! ^ 1]!) {
    capacities[before[v]!]!--
    capacities[before[v]! ^ 1]!++
  }
  return true
}

/** Follows the units of flow; a cheapest flow has no circles, so each is a path. */
function takePaths(
  { heads, capacities, arcs }: Flow,
  source: number,
  target: number,
  count: number,
): number[][] {
  return Array.from({ length: count }, () => {
    const nodes: number[] = []
    for (let u = outOf(source); nodeOf(u) !== target;) {
      const arc = arcs[u]!.find((one) => one % 2 === 0 && capacities[one + 1]! > 0)!
      capacities[arc + 1]!--
      u = heads[arc]!
      if (u % 2 === 0) nodes.push(nodeOf(u))
    }
    return nodes
  })
}

function describe(graph: TopologyGraph, source: number, nodes: readonly number[]): DisjointPath {
  let costUs = 0
  let u = source
  for (const v of nodes) {
    costUs += graph.costsUs[linkBetween(graph, u, v)]!
    u = v
  }
  return { path: nodes.map((node) => graph.ids[node]!), costUs }
}

/** The least cut next to the source: full arcs that lead out of what can still be reached (Ford & Fulkerson 1956). */
function cutOf(
  graph: TopologyGraph,
  { heads, capacities, arcs }: Flow,
  source: number,
): NonNullable<DisjointPaths['cut']> {
  const reached = new Set([outOf(source)])
  for (const u of reached) for (const arc of arcs[u]!) if (capacities[arc]! > 0) reached.add(heads[arc]!)
  const nodes: NodeId[] = []
  const links: (readonly [NodeId, NodeId])[] = []
  for (const u of reached)
    for (const arc of arcs[u]!) {
      const v = heads[arc]!
      if (arc % 2 === 1 || reached.has(v)) continue
      if (nodeOf(u) === nodeOf(v)) nodes.push(graph.ids[nodeOf(u)]!)
      else links.push([graph.ids[nodeOf(u)]!, graph.ids[nodeOf(v)]!])
    }
  return { nodes, links }
}
