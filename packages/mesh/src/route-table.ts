import type { NodeId } from '@x0t/core'
import { pathTo, shortestPaths, type ShortestPaths } from './shortest-paths.ts'
import type { TopologyGraph } from './topology-graph.ts'

/** What an alternate survives: the death of the primary next hop, or of the link to it only. */
export type AlternateKind = 'node-protecting' | 'link-protecting'

/** How to reach one member; plain data. */
export interface Route {
  readonly destination: NodeId
  readonly nextHop: NodeId
  /** Neighbour that carries the traffic without a loop as soon as `nextHop` is dead, before anyone else knows. */
  readonly alternate?: NodeId
  readonly alternateKind?: AlternateKind
  /** Sum of the links' costs, µs. */
  readonly costUs: number
  /** Links on the path. */
  readonly hops: number
  /** From the next hop to the destination. */
  readonly path: readonly NodeId[]
  /** Largest datagram that passes every link of the path, bytes. */
  readonly pathDatagramBytes: number
}

export type RouteTable = ReadonlyMap<NodeId, Route>

interface Alternate {
  readonly neighbour: number
  readonly kind: AlternateKind
}

/**
 * Routes of `self` to everyone it can reach, each with a loop-free alternate where there is one (RFC 5286).
 * @param candidates how many neighbours, cheapest first, are tried as alternates
 * @param suspects nodes that are passed only on the way to those whom no other way leads to
 */
export function computeRoutes(
  graph: TopologyGraph,
  self: NodeId,
  candidates: number,
  suspects: ReadonlySet<NodeId> = new Set(),
): RouteTable {
  const root = graph.indexOf.get(self)
  if (root === undefined) return new Map()
  const avoided = new Set<number>()
  for (const id of suspects) {
    const index = graph.indexOf.get(id)
    if (index !== undefined) avoided.add(index)
  }
  const table = routesFrom(graph, root, candidates, avoided)
  if (avoided.size === 0) return table
  for (const [destination, route] of routesFrom(graph, root, candidates, new Set()))
    if (!table.has(destination)) table.set(destination, route)
  return table
}

function routesFrom(
  graph: TopologyGraph,
  root: number,
  candidates: number,
  avoided: ReadonlySet<number>,
): Map<NodeId, Route> {
  const table = new Map<NodeId, Route>()
  const own = shortestPaths(graph, root, avoided)
  const trees = alternateTrees(graph, root, candidates, avoided)
  for (const [index, destination] of graph.ids.entries()) {
    if (index === root || own.parents[index] === -1) continue
    const alternate = alternateFor(own, trees, index)
    table.set(destination, {
      destination,
      nextHop: graph.ids[own.firstHops[index]!]!,
      ...(alternate === undefined
        ? {}
        : { alternate: graph.ids[alternate.neighbour]!, alternateKind: alternate.kind }),
      costUs: own.costsUs[index]!,
      hops: own.hops[index]!,
      path: pathTo(own, index).map((node) => graph.ids[node]!),
      pathDatagramBytes: own.datagramBytes[index]!,
    })
  }
  return table
}

/** A neighbour's own shortest paths, and what the link to it costs. */
interface AlternateTree {
  readonly linkCostUs: number
  readonly paths: ShortestPaths
}

function alternateTrees(
  graph: TopologyGraph,
  root: number,
  candidates: number,
  avoided: ReadonlySet<number>,
): AlternateTree[] {
  const links: { readonly neighbour: number; readonly linkCostUs: number }[] = []
  for (let edge = graph.offsets[root]!; edge < graph.offsets[root + 1]!; edge++)
    links.push({ neighbour: graph.targets[edge]!, linkCostUs: graph.costsUs[edge]! })
  return links
    .toSorted((a, b) => a.linkCostUs - b.linkCostUs || a.neighbour - b.neighbour)
    .slice(0, candidates)
    .map(({ neighbour, linkCostUs }) => ({ linkCostUs, paths: shortestPaths(graph, neighbour, avoided) }))
}

/** The best alternate for one destination D: node-protecting before link-protecting, then the cheapest. */
function alternateFor(
  own: ShortestPaths,
  trees: readonly AlternateTree[],
  destination: number,
): Alternate | undefined {
  const nextHop = own.firstHops[destination]!
  // E lies on a shortest path from S to D, therefore D_opt(E, D) = D_opt(S, D) − D_opt(S, E).
  const fromNextHop = own.costsUs[destination]! - own.costsUs[nextHop]!
  let best: Alternate | undefined
  let bestCostUs = Infinity
  for (const { linkCostUs, paths } of trees) {
    const neighbour = paths.root
    const remaining = paths.costsUs[destination]!
    if (neighbour === nextHop || remaining === Infinity) continue
    // RFC 5286 §3.1, inequality 1: D_opt(N, D) < D_opt(N, S) + D_opt(S, D).
    if (!(remaining < paths.costsUs[own.root]! + own.costsUs[destination]!)) continue
    // §3.2, inequality 3: D_opt(N, D) < D_opt(N, E) + D_opt(E, D). Nothing protects against the death of D itself.
    const isNodeProtecting = nextHop !== destination && remaining < paths.costsUs[nextHop]! + fromNextHop
    const kind: AlternateKind = isNodeProtecting ? 'node-protecting' : 'link-protecting'
    const costUs = linkCostUs + remaining
    const isBetter =
      best === undefined || (kind === best.kind ? costUs < bestCostUs : kind === 'node-protecting')
    if (!isBetter) continue
    best = { neighbour, kind }
    bestCostUs = costUs
  }
  return best
}

/** True if both tables route alike. */
export function sameRoutes(a: RouteTable, b: RouteTable): boolean {
  if (a.size !== b.size) return false
  for (const [destination, route] of a) {
    const other = b.get(destination)
    if (
      other === undefined ||
      other.nextHop !== route.nextHop ||
      other.alternate !== route.alternate ||
      other.alternateKind !== route.alternateKind ||
      other.costUs !== route.costUs ||
      other.pathDatagramBytes !== route.pathDatagramBytes ||
      other.path.length !== route.path.length ||
      !route.path.every((id, index) => other.path[index] === id)
    )
      return false
  }
  return true
}
