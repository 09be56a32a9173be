import type { MapNode, MeshMap } from '@x0t/local-api'
import { buildGraph, shortestPaths } from '@x0t/mesh'

/** A link of the map. One that only one end lists carries nothing. */
export interface MapLink {
  readonly a: MapNode
  readonly b: MapNode
  /** Larger cost of the two directions. */
  readonly costUs: number
  readonly bothEnds: boolean
}

/** A node's place in the tree of cheapest paths from the node that drew the map. */
export interface TreeNode {
  readonly node: MapNode
  /** Cost of the whole path, µs. */
  readonly costUs: number
  /** Cheapest first. */
  readonly children: readonly TreeNode[]
}

/** Every link once, between nodes that the map knows. */
export function linksOf({ nodes }: MeshMap): readonly MapLink[] {
  const byId = new Map<string, MapNode>(nodes.map((node) => [node.id, node]))
  const links: MapLink[] = []
  for (const a of nodes) {
    for (const { id, costUs } of a.neighbours) {
      const b = byId.get(id)
      if (b === undefined || b === a) continue
      const back = b.neighbours.find((link) => link.id === a.id)
      if (back === undefined) links.push({ a, b, costUs, bothEnds: false })
      else if (a.id < b.id) links.push({ a, b, costUs: Math.max(costUs, back.costUs), bothEnds: true })
    }
  }
  return links
}

/** The tree, and the nodes that no path reaches; no tree where the map lacks its own node. */
export function treeOf({ self, nodes }: MeshMap): {
  readonly root: TreeNode | undefined
  readonly unreached: readonly MapNode[]
} {
  const links = (node: MapNode): Map<MapNode['id'], { costUs: number; datagramBytes: number }> =>
    new Map(node.neighbours.map(({ id, costUs }) => [id, { costUs, datagramBytes: 0 }]))
  const graph = buildGraph(new Map(nodes.map((node) => [node.id, links(node)])))
  const start = graph.indexOf.get(self)
  if (start === undefined) return { root: undefined, unreached: nodes }
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const { costsUs, parents } = shortestPaths(graph, start)
  const children: { node: MapNode; costUs: number; children: TreeNode[] }[] = graph.ids.map((id, index) => ({
    node: byId.get(id)!,
    costUs: costsUs[index]!,
    children: [],
  }))
  const unreached: MapNode[] = []
  for (const [index, entry] of children.entries()) {
    const parent = parents[index]!
    if (parent >= 0) children[parent]!.children.push(entry)
    else if (index !== start) unreached.push(entry.node)
  }
  for (const entry of children) entry.children.sort((a, b) => a.costUs - b.costUs)
  return { root: children[start]!, unreached }
}
