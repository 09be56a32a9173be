import type { TopologyGraph } from './topology-graph.ts'
import type { Rows } from './st-numbering.ts'

/** A biconnected component: no single node's death cuts it; or a bridge, of two nodes. */
export interface Block extends Rows {
  /** Indices in the topology graph, ascending; the rows number the nodes by their place here. */
  readonly nodes: Int32Array
  /** Place of the node nearest the root of the search. */
  readonly entry: number
}

/**
 * Biconnected components of the part that `root` lies in, by lowpoints (Hopcroft & Tarjan 1973); those nearer the root
 * come first. Every link is in one block, every node but the root is other than the entry in exactly one.
 */
export function findBlocks(graph: TopologyGraph, root: number): Block[] {
  const size = graph.ids.length
  const numbers = new Int32Array(size).fill(-1)
  const lows = new Int32Array(size)
  const parents = new Int32Array(size).fill(-1)
  const cursors = graph.offsets.slice(0, size)
  const open: number[] = [root]
  const places = new Int32Array(size)
  const blocks: Block[] = []
  let count = 0
  numbers[root] = lows[root] = count++
  for (let u = root; ;) {
    const cursor = cursors[u]!++
    if (cursor < graph.offsets[u + 1]!) {
      const v = graph.targets[cursor]!
      if (numbers[v] === -1) {
        numbers[v] = lows[v] = count++
        parents[v] = u
        open.push(v)
        u = v
      } else if (v !== parents[u]) lows[u] = Math.min(lows[u]!, numbers[v]!)
      continue
    }
    if (u === root) return blocks.toReversed()
    const parent = parents[u]!
    lows[parent] = Math.min(lows[parent]!, lows[u]!)
    if (lows[u]! >= numbers[parent]!) {
      const nodes = [parent]
      for (let node = -1; node !== u;) nodes.push((node = open.pop()!))
      blocks.push(blockOf(graph, nodes, parent, places))
    }
    u = parent
  }
}

/** @param places scratch, all zero between calls */
function blockOf(graph: TopologyGraph, members: readonly number[], entry: number, places: Int32Array): Block {
  const nodes = Int32Array.from(members).toSorted()
  for (const [place, node] of nodes.entries()) places[node] = place + 1
  const offsets = new Int32Array(nodes.length + 1)
  const targets: number[] = []
  for (const [place, node] of nodes.entries()) {
    for (let edge = graph.offsets[node]!; edge < graph.offsets[node + 1]!; edge++) {
      const other = places[graph.targets[edge]!]!
      if (other !== 0) targets.push(other - 1)
    }
    offsets[place + 1] = targets.length
  }
  const entryPlace = places[entry]! - 1
  for (const node of nodes) places[node] = 0
  return { nodes, entry: entryPlace, offsets, targets: Int32Array.from(targets) }
}
