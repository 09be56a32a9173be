import type { TopologyGraph } from './topology-graph.ts'

/** Shortest paths from one root, by node index; −1 and Infinity where there is no path. */
export interface ShortestPaths {
  readonly root: number
  readonly costsUs: Float64Array
  readonly hops: Int32Array
  /** The node before, −1 for the root. */
  readonly parents: Int32Array
  /** The first node after the root, −1 for the root itself. */
  readonly firstHops: Int32Array
  /** Least datagram size of the path's links. */
  readonly datagramBytes: Int32Array
}

const nothing: ReadonlySet<number> = new Set()

/**
 * Dijkstra's algorithm with an indexed binary heap (Dijkstra 1959; heap with decrease-key in typed arrays).
 *
 * Among paths of the same cost the one with fewer hops wins, then the one with the lower sum of its links' `ties`.
 * That makes shortest paths unique (but with a chance of 2⁻³² a pair), and part of a unique shortest path is the
 * unique shortest path of its ends: every relay takes the way that the source has computed.
 * @param avoided nodes that paths may end in but not pass
 */
export function shortestPaths(
  graph: TopologyGraph,
  root: number,
  avoided: ReadonlySet<number> = nothing,
): ShortestPaths {
  const size = graph.ids.length
  const costsUs = new Float64Array(size).fill(Infinity)
  const hops = new Int32Array(size).fill(-1)
  const parents = new Int32Array(size).fill(-1)
  const firstHops = new Int32Array(size).fill(-1)
  const datagramBytes = new Int32Array(size)
  const ties = new Float64Array(size)
  const heap = new Int32Array(size)
  const slots = new Int32Array(size).fill(-1)
  let length = 0

  const isBefore = (a: number, b: number): boolean => {
    if (costsUs[a] !== costsUs[b]) return costsUs[a]! < costsUs[b]!
    return hops[a] === hops[b] ? ties[a]! < ties[b]! : hops[a]! < hops[b]!
  }

  const moveUp = (node: number, from: number): void => {
    let slot = from
    while (slot > 0) {
      const above = (slot - 1) >> 1
      const other = heap[above]!
      if (!isBefore(node, other)) break
      heap[slot] = other
      slots[other] = slot
      slot = above
    }
    heap[slot] = node
    slots[node] = slot
  }

  const takeFirst = (): number => {
    const first = heap[0]!
    const node = heap[--length]!
    let slot = 0
    for (;;) {
      let below = 2 * slot + 1
      if (below >= length) break
      if (below + 1 < length && isBefore(heap[below + 1]!, heap[below]!)) below++
      const other = heap[below]!
      if (!isBefore(other, node)) break
      heap[slot] = other
      slots[other] = slot
      slot = below
    }
    heap[slot] = node
    slots[node] = slot
    slots[first] = -1
    return first
  }

  costsUs[root] = 0
  hops[root] = 0
  datagramBytes[root] = 0x7fffffff
  moveUp(root, length++)
  while (length > 0) {
    const u = takeFirst()
    if (u !== root && avoided.has(u)) continue
    for (let edge = graph.offsets[u]!; edge < graph.offsets[u + 1]!; edge++) {
      const v = graph.targets[edge]!
      const costUs = costsUs[u]! + graph.costsUs[edge]!
      if (costUs > costsUs[v]!) continue
      const hopCount = hops[u]! + 1
      const tie = ties[u]! + graph.ties[edge]!
      const isTie = costUs === costsUs[v]
      if (isTie && (hopCount > hops[v]! || (hopCount === hops[v] && tie >= ties[v]!))) continue
      costsUs[v] = costUs
      hops[v] = hopCount
      ties[v] = tie
      parents[v] = u
      firstHops[v] = u === root ? v : firstHops[u]!
      datagramBytes[v] = Math.min(datagramBytes[u]!, graph.datagramBytes[edge]!)
      moveUp(v, slots[v] === -1 ? length++ : slots[v]!)
    }
  }
  return { root, costsUs, hops, parents, firstHops, datagramBytes }
}

/** Indices from the first node after the root to `target`; empty for the root and where there is no path. */
export function pathTo(paths: ShortestPaths, target: number): number[] {
  const path: number[] = []
  for (let node = target; node !== paths.root && node !== -1; node = paths.parents[node]!) path.push(node)
  return path.toReversed()
}
