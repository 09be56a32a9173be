import type { NodeId } from '@x0t/core'
import { findBlocks, type Block } from './blocks.ts'
import { stOrder } from './st-numbering.ts'
import type { TopologyGraph } from './topology-graph.ts'

/** The way to a member on one of its two trees; plain data. */
export interface TreeHop {
  readonly nextHop: NodeId
  /** Links from this node to the member on the tree. */
  readonly hops: number
  /** From the next hop to the member. */
  readonly path: readonly NodeId[]
}

/** The two ways to a member: they share no node and no link but those without which there is no way at all. */
export interface IndependentPaths {
  readonly red: TreeHop
  readonly blue: TreeHop
}

/** Parents towards the root of a block on both trees, by place in the block; −1 for the root. */
export interface BlockTrees {
  readonly red: Int32Array
  readonly blue: Int32Array
}

/** Where nodes of one process share the work: returns the trees of a block towards a root in it. */
export type BlockTreesOf = (graph: TopologyGraph, block: Block, root: number) => BlockTrees

/** Steps of work after which {@link buildTrees} lets others run, in links looked at: about a millisecond. */
const sliceSteps = 50_000

/**
 * Two independent spanning trees towards every member (Itai & Rodeh 1984), as far as `self` needs them.
 * They follow from the ids and links alone, never from costs: every member computes the same.
 */
export function independentTrees(
  graph: TopologyGraph,
  self: NodeId,
  treesOf?: BlockTreesOf,
): ReadonlyMap<NodeId, IndependentPaths> {
  const work = buildTrees(graph, self, treesOf)
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}

/** {@link independentTrees} in slices of about a millisecond; returns the paths at the end. */
export function* buildTrees(
  graph: TopologyGraph,
  self: NodeId,
  treesOf: BlockTreesOf = (_graph, block, root) => treesOfBlock(block, root),
): Generator<undefined, ReadonlyMap<NodeId, IndependentPaths>> {
  const paths = new Map<NodeId, IndependentPaths>()
  const start = graph.indexOf.get(self)
  if (start === undefined) return paths
  let steps = 0
  for (const block of findBlocks(graph, start)) {
    const entry = paths.get(graph.ids[block.nodes[block.entry]!]!)
    for (let root = 0; root < block.nodes.length; root++) {
      if (root === block.entry) continue
      const { red, blue } = treesOf(graph, block, root)
      const along = (parents: Int32Array, before: TreeHop | undefined): TreeHop => {
        const path = before === undefined ? [] : [...before.path]
        for (let place = parents[block.entry]!; place !== -1; place = parents[place]!)
          path.push(graph.ids[block.nodes[place]!]!)
        return { nextHop: path[0]!, hops: path.length, path }
      }
      const destination = graph.ids[block.nodes[root]!]!
      paths.set(destination, { red: along(red, entry?.red), blue: along(blue, entry?.blue) })
      steps += block.targets.length
      if (steps < sliceSteps) continue
      steps = 0
      yield
    }
  }
  return paths
}

/**
 * Red and blue tree of a block towards `root`: in an order from the root to its first neighbour t in which everyone has
 * a neighbour on either side, blue steps down to the root, red up to t and over the link t–root.
 * Of the neighbours a step may go to, the one with the fewest hops to the root on that tree is taken, then the first.
 */
export function treesOfBlock(block: Block, root: number): BlockTrees {
  const { offsets, targets } = block
  const size = block.nodes.length
  const t = targets[offsets[root]!]!
  const order = stOrder(block, root, t)
  const numbers = new Int32Array(size)
  for (let i = 0; i < size; i++) numbers[order[i]!] = i
  const red = new Int32Array(size).fill(-1)
  const blue = new Int32Array(size).fill(-1)
  const hops = new Int32Array(size)

  /** Chooses the parent of `node` among its neighbours numbered in [from, to). */
  const choose = (parents: Int32Array, node: number, from: number, to: number): void => {
    let best = -1
    for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
      const other = targets[edge]!
      const number = numbers[other]!
      if (number >= from && number < to && (best === -1 || hops[other]! < hops[best]!)) best = other
    }
    parents[node] = best
    hops[node] = hops[best]! + 1
  }

  for (let i = 1; i < size - 1; i++) choose(blue, order[i]!, 0, i)
  // Blue must not use the link t–root, which is red; where it is the only one there is no choice.
  choose(blue, t, size === 2 ? 0 : 1, size - 1)
  red[t] = root
  hops[t] = 1
  for (let i = size - 2; i > 0; i--) choose(red, order[i]!, i + 1, size)
  return { red, blue }
}
