import type { NodeId } from '@x0t/core'
import { maxRemaining } from './forward.ts'
import type { IndependentPaths, TreeHop } from './independent-trees.ts'
import type { ShortestPaths } from './shortest-paths.ts'
import type { TopologyGraph } from './topology-graph.ts'

/** What an alternate survives: the death of the primary next hop, or of the link to it only. */
export type AlternateKind = 'node-protecting' | 'link-protecting'

/** Who carries the traffic as soon as the next hop is dead, before anyone else knows; plain data. */
export interface Alternate {
  readonly neighbour: NodeId
  /** Plane on which the packet goes on from there. */
  readonly plane: 'repair' | 'red' | 'blue'
  /** What the packet carries: µs on the plane `repair`, links on a tree. */
  readonly remaining: number
  readonly kind: AlternateKind
}

/** A neighbour's own shortest paths, and what the link to it costs. */
export interface NeighbourPaths {
  readonly linkCostUs: number
  readonly paths: ShortestPaths
}

/** Shortest paths of the `candidates` neighbours with the cheapest links. */
export function neighbourPaths(
  graph: TopologyGraph,
  root: number,
  candidates: number,
  pathsFrom: (root: number) => ShortestPaths,
): NeighbourPaths[] {
  const links: { readonly neighbour: number; readonly linkCostUs: number }[] = []
  for (let edge = graph.offsets[root]!; edge < graph.offsets[root + 1]!; edge++)
    links.push({ neighbour: graph.targets[edge]!, linkCostUs: graph.costsUs[edge]! })
  return links
    .toSorted((a, b) => a.linkCostUs - b.linkCostUs || a.neighbour - b.neighbour)
    .slice(0, candidates)
    .map(({ neighbour, linkCostUs }) => ({ linkCostUs, paths: pathsFrom(neighbour) }))
}

/** What {@link alternateFor} knows of a destination. */
export interface AlternateOptions {
  readonly graph: TopologyGraph
  readonly own: ShortestPaths
  readonly neighbours: readonly NeighbourPaths[]
  /** Ways on the trees all of whose links are there. */
  readonly trees: Partial<IndependentPaths>
}

/**
 * The best alternate for one destination: a loop-free alternate (RFC 5286) or a way on a tree that survives the death of
 * the next hop, else one that survives the loss of the link to it. A loop-free alternate goes before a tree: it is the shorter way.
 */
export function alternateFor(options: AlternateOptions, destination: number): Alternate | undefined {
  const { graph, own, trees } = options
  const nextHop = own.firstHops[destination]!
  const nextHopId = graph.ids[nextHop]!
  const loopFree = loopFreeAlternate(options, destination)
  if (loopFree?.kind === 'node-protecting') return loopFree
  // Nothing protects against the death of the destination itself.
  if (nextHop !== destination) {
    const around = treeAlternate(trees, 'node-protecting', ({ path }) => !path.includes(nextHopId))
    if (around !== undefined) return around
  }
  return loopFree ?? treeAlternate(trees, 'link-protecting', (hop) => hop.nextHop !== nextHopId)
}

/** The shorter of the trees that will do, red before blue. */
function treeAlternate(
  trees: Partial<IndependentPaths>,
  kind: AlternateKind,
  willDo: (hop: TreeHop) => boolean,
): Alternate | undefined {
  let best: Alternate | undefined
  for (const plane of ['red', 'blue'] as const) {
    const hop = trees[plane]
    if (hop === undefined || !willDo(hop) || (best !== undefined && hop.hops >= best.remaining)) continue
    best = { neighbour: hop.nextHop, plane, remaining: hop.hops, kind }
  }
  return best
}

/** Node-protecting before link-protecting, then the cheapest. */
function loopFreeAlternate(
  { graph, own, neighbours }: AlternateOptions,
  destination: number,
): Alternate | undefined {
  const nextHop = own.firstHops[destination]!
  // E lies on a shortest path from S to D, therefore D_opt(E, D) = D_opt(S, D) − D_opt(S, E).
  const fromNextHop = own.costsUs[destination]! - own.costsUs[nextHop]!
  let best: Alternate | undefined
  for (const { linkCostUs, paths } of neighbours) {
    const neighbour = paths.root
    const distance = paths.costsUs[destination]!
    if (neighbour === nextHop || distance === Infinity) continue
    // RFC 5286 §3.1, inequality 1: D_opt(N, D) < D_opt(N, S) + D_opt(S, D).
    if (!(distance < paths.costsUs[own.root]! + own.costsUs[destination]!)) continue
    // §3.2, inequality 3: D_opt(N, D) < D_opt(N, E) + D_opt(E, D).
    const isNodeProtecting = nextHop !== destination && distance < paths.costsUs[nextHop]! + fromNextHop
    const kind: AlternateKind = isNodeProtecting ? 'node-protecting' : 'link-protecting'
    const remaining = linkCostUs + distance
    const isBetter =
      best === undefined || (kind === best.kind ? remaining < best.remaining : kind === 'node-protecting')
    if (isBetter) best = { neighbour: graph.ids[neighbour]!, plane: 'repair', remaining, kind }
  }
  return best === undefined ? undefined : { ...best, remaining: Math.min(best.remaining, maxRemaining) }
}
