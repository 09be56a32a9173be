import type { NodeId } from '@x0t/core'
import type { MeshPath, MeshPaths } from '@x0t/local-api'
import { kDisjointPaths, linkBetween, type Disjointness, type Route, type TopologyGraph } from '@x0t/mesh'

/** What {@link pathsView} is made from. */
export interface PathsQuestion {
  readonly graph: TopologyGraph
  readonly self: NodeId
  readonly to: NodeId
  readonly count: number
  readonly by: Disjointness
  /** The route to `to`, if there is one. */
  readonly route: Route | undefined
  readonly nameOf: (id: NodeId) => string
}

const uses = ['shortest', 'red', 'blue'] as const

/** Disjoint paths to a member, which of them are in use as what, and what stands in the way of more. */
export function pathsView({ graph, self, to, count, by, route, nameOf }: PathsQuestion): MeshPaths {
  const { paths: found, cut } = kDisjointPaths(graph, self, to, count, by)
  const used = { shortest: route?.path, red: route?.red?.path, blue: route?.blue?.path }
  const usesOf = (path: readonly NodeId[]): MeshPath['uses'] =>
    uses.filter((use) => used[use]?.join() === path.join())
  const describe = (path: readonly NodeId[]): MeshPath => ({
    path: [...path],
    costUs: costOf(graph, self, path),
    hops: path.length,
    uses: usesOf(path),
  })
  const paths = found.map(({ path }) => describe(path))
  const shown = new Set(paths.map(({ path }) => path.join()))
  const others: MeshPath[] = []
  for (const use of uses) {
    const path = used[use]
    if (path === undefined || shown.has(path.join())) continue
    shown.add(path.join())
    others.push(describe(path))
  }
  const links = cut?.links.map(([from, to]) => ({ from, to })) ?? []
  const named = [...paths, ...others].flatMap(({ path }) => path)
  const blamed = [...(cut?.nodes ?? []), ...links.flatMap((link) => [link.from, link.to])]
  return {
    to,
    name: nameOf(to),
    asked: count,
    by,
    paths,
    cut: cut === undefined ? null : { nodes: [...cut.nodes], links },
    others,
    names: Object.fromEntries([self, to, ...named, ...blamed].map((id) => [id, nameOf(id)])),
  }
}

/** Sum of the costs of the links from `from` along `path`; of those that are gone, nothing. */
function costOf(graph: TopologyGraph, from: NodeId, path: readonly NodeId[]): number {
  let costUs = 0
  let u = graph.indexOf.get(from) ?? -1
  for (const id of path) {
    const v = graph.indexOf.get(id) ?? -1
    const edge = u === -1 || v === -1 ? -1 : linkBetween(graph, u, v)
    if (edge !== -1) costUs += graph.costsUs[edge]!
    u = v
  }
  return costUs
}
