import type { NodeId } from '@x0t/core'
import type { ListedLink } from './link-state.ts'

/** What each node lists of its links. */
export type ListedLinks = ReadonlyMap<NodeId, ReadonlyMap<NodeId, ListedLink>>

/**
 * Directed graph in compressed rows: the links of node `u` are `targets[offsets[u]]` to `targets[offsets[u + 1] - 1]`.
 * Nodes and the targets of each stand in ascending order of their ids, so that ties fall alike on every member.
 */
export interface TopologyGraph {
  readonly ids: readonly NodeId[]
  readonly indexOf: ReadonlyMap<NodeId, number>
  readonly offsets: Int32Array
  readonly targets: Int32Array
  readonly costsUs: Float64Array
  readonly datagramBytes: Int32Array
  /** A number below 2³² that chance gave each link: breaks ties between paths, see {@link shortestPaths}. */
  readonly ties: Float64Array
}

/** The graph of the links that both their ends list; each direction has the cost that its sender lists. */
export function buildGraph(listed: ListedLinks): TopologyGraph {
  const ids = [...listed.keys()].toSorted()
  const indexOf = new Map(ids.map((id, index) => [id, index]))
  let capacity = 0
  for (const links of listed.values()) capacity += links.size
  const offsets = new Int32Array(ids.length + 1)
  const targets = new Int32Array(capacity)
  const costsUs = new Float64Array(capacity)
  const datagramBytes = new Int32Array(capacity)
  const ties = new Float64Array(capacity)
  const hashes = Int32Array.from(ids, hashOf)
  let at = 0
  for (const [u, id] of ids.entries()) {
    for (const [other, link] of inOrder(listed.get(id)!)) {
      const v = indexOf.get(other)
      if (v === undefined || v === u || !listed.get(other)!.has(id)) continue
      targets[at] = v
      costsUs[at] = link.costUs
      datagramBytes[at] = link.datagramBytes
      ties[at] = mixed(hashes[u]!, hashes[v]!)
      at++
    }
    offsets[u + 1] = at
  }
  return { ids, indexOf, offsets, targets, costsUs, datagramBytes, ties }
}

/** Place of the link from `u` to `v` in `targets`; −1 where there is none. */
export function linkBetween(graph: TopologyGraph, u: number, v: number): number {
  for (let edge = graph.offsets[u]!; edge < graph.offsets[u + 1]!; edge++)
    if (graph.targets[edge] === v) return edge
  return -1
}

/** True if both have the same nodes and the same links, whatever these cost. */
export function sameConnectivity(a: TopologyGraph, b: TopologyGraph): boolean {
  if (a === b) return true
  const links = a.offsets.at(-1)!
  if (a.ids.length !== b.ids.length || links !== b.offsets.at(-1)) return false
  for (let i = 0; i < a.ids.length; i++)
    if (a.ids[i] !== b.ids[i] || a.offsets[i] !== b.offsets[i]) return false
  for (let edge = 0; edge < links; edge++) if (a.targets[edge] !== b.targets[edge]) return false
  return true
}

/** Links by ascending id, as link states list them anyway. */
function inOrder(links: ReadonlyMap<NodeId, ListedLink>): Iterable<readonly [NodeId, ListedLink]> {
  let last = ''
  for (const id of links.keys()) {
    if (id < last) return [...links].toSorted(([a], [b]) => (a < b ? -1 : 1))
    last = id
  }
  return links
}

/** FNV-1a of the id's first half, alike on every member. */
function hashOf(id: NodeId): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < 26; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return hash
}

/** Finalizer of MurmurHash3 (Appleby, public domain) over both ends. */
function mixed(u: number, v: number): number {
  let hash = u ^ Math.imul(v, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
