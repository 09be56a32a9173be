import type { NodeId } from '@x0t/core'
import { alternateFor, neighbourPaths, type Alternate } from './alternates.ts'
import { maxRemaining } from './forward.ts'
import type { IndependentPaths, TreeHop } from './independent-trees.ts'
import { pathTo, shortestPaths, type ShortestPaths } from './shortest-paths.ts'
import { linkBetween, type TopologyGraph } from './topology-graph.ts'

/** How to reach one member; plain data. */
export interface Route {
  readonly destination: NodeId
  readonly nextHop: NodeId
  /** Who steps in when `nextHop` is dead. */
  readonly alternate?: Alternate
  /** Sum of the links' costs, µs. */
  readonly costUs: number
  /** Least cost of the last 100 ms, µs, up to 2³⁰ − 1: what packets of this node carry as their remaining distance. */
  readonly feasibleUs: number
  /** Links on the path. */
  readonly hops: number
  /** From the next hop to the destination. */
  readonly path: readonly NodeId[]
  /** The ways on the independent trees; absent until they are known, and where they lead over a link that is gone. */
  readonly red?: TreeHop
  readonly blue?: TreeHop
  /** Largest datagram that passes every link of the path and of both ways on the trees, bytes. */
  readonly pathDatagramBytes: number
}

export type RouteTable = ReadonlyMap<NodeId, Route>

export interface RouteOptions {
  /** How many neighbours, cheapest first, are tried as alternates. */
  readonly candidates: number
  /** Nodes that are passed only on the way to those whom no other way leads to. */
  readonly suspects?: ReadonlySet<NodeId>
  /** Ways on the trees; those of a former topology are used as far as they still lead. */
  readonly trees?: ReadonlyMap<NodeId, IndependentPaths>
  /** Shortest paths that avoid nobody; {@link shortestPaths}, or one that remembers. */
  readonly pathsFrom?: (graph: TopologyGraph, root: number) => ShortestPaths
}

/** Routes of `self` to everyone it can reach, each with an alternate where there is one; `feasibleUs` is the cost. */
export function computeRoutes(graph: TopologyGraph, self: NodeId, options: RouteOptions): RouteTable {
  const { suspects = new Set() } = options
  const root = graph.indexOf.get(self)
  if (root === undefined) return new Map()
  const avoided = new Set<number>()
  for (const id of suspects) {
    const index = graph.indexOf.get(id)
    if (index !== undefined) avoided.add(index)
  }
  const table = routesFrom(graph, root, options, avoided)
  if (avoided.size === 0) return table
  for (const [destination, route] of routesFrom(graph, root, options, new Set()))
    if (!table.has(destination)) table.set(destination, route)
  return table
}

function routesFrom(
  graph: TopologyGraph,
  root: number,
  { candidates, trees: allTrees, pathsFrom = shortestPaths }: RouteOptions,
  avoided: ReadonlySet<number>,
): Map<NodeId, Route> {
  const table = new Map<NodeId, Route>()
  const from = (start: number): ShortestPaths =>
    avoided.size === 0 ? pathsFrom(graph, start) : shortestPaths(graph, start, avoided)
  const own = from(root)
  const neighbours = neighbourPaths(graph, root, candidates, from)
  for (const [index, destination] of graph.ids.entries()) {
    if (index === root || own.parents[index] === -1) continue
    const trees = allTrees?.get(destination)
    const red = followTree(graph, root, trees?.red)
    const blue = followTree(graph, root, trees?.blue)
    const whole = {
      ...(red !== undefined && passes(red.nodes, avoided) ? { red: red.hop } : {}),
      ...(blue !== undefined && passes(blue.nodes, avoided) ? { blue: blue.hop } : {}),
    }
    const alternate = alternateFor({ graph, own, neighbours, trees: whole }, index)
    table.set(destination, {
      destination,
      nextHop: graph.ids[own.firstHops[index]!]!,
      ...(alternate === undefined ? {} : { alternate }),
      costUs: own.costsUs[index]!,
      feasibleUs: Math.min(own.costsUs[index]!, maxRemaining),
      hops: own.hops[index]!,
      path: pathTo(own, index).map((node) => graph.ids[node]!),
      ...(red === undefined ? {} : { red: red.hop }),
      ...(blue === undefined ? {} : { blue: blue.hop }),
      pathDatagramBytes: Math.min(
        own.datagramBytes[index]!,
        red?.datagramBytes ?? Infinity,
        blue?.datagramBytes ?? Infinity,
      ),
    })
  }
  return table
}

interface FollowedTree {
  readonly hop: TreeHop
  readonly nodes: readonly number[]
  readonly datagramBytes: number
}

/** What lies on a way, as long as all its links are there. */
function followTree(graph: TopologyGraph, root: number, hop: TreeHop | undefined): FollowedTree | undefined {
  if (hop === undefined) return undefined
  const nodes: number[] = []
  let datagramBytes = Infinity
  let u = root
  for (const id of hop.path) {
    const v = graph.indexOf.get(id)
    const edge = v === undefined ? -1 : linkBetween(graph, u, v)
    if (edge === -1) return undefined
    datagramBytes = Math.min(datagramBytes, graph.datagramBytes[edge]!)
    nodes.push((u = v!))
  }
  return { hop, nodes, datagramBytes }
}

/** True if the way passes none of `avoided`; it may end there. */
function passes(nodes: readonly number[], avoided: ReadonlySet<number>): boolean {
  return avoided.size === 0 || nodes.every((node, i) => i === nodes.length - 1 || !avoided.has(node))
}

/** True if both tables route alike. */
export function sameRoutes(a: RouteTable, b: RouteTable): boolean {
  if (a.size !== b.size) return false
  for (const [destination, route] of a) {
    const other = b.get(destination)
    if (
      other === undefined ||
      other.nextHop !== route.nextHop ||
      other.costUs !== route.costUs ||
      other.feasibleUs !== route.feasibleUs ||
      other.pathDatagramBytes !== route.pathDatagramBytes ||
      !sameAlternate(other.alternate, route.alternate) ||
      !samePath(other.path, route.path) ||
      !samePath(other.red?.path, route.red?.path) ||
      !samePath(other.blue?.path, route.blue?.path)
    )
      return false
  }
  return true
}

function sameAlternate(a: Alternate | undefined, b: Alternate | undefined): boolean {
  return (
    a?.neighbour === b?.neighbour &&
    a?.plane === b?.plane &&
    a?.remaining === b?.remaining &&
    a?.kind === b?.kind
  )
}

function samePath(a: readonly NodeId[] | undefined, b: readonly NodeId[] | undefined): boolean {
  if (a === b) return true
  return a !== undefined && a.length === b?.length && a.every((id, index) => b[index] === id)
}
