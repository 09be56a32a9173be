import type { NodeId } from '@x0t/core'
import type { BlockTreesOf } from './independent-trees.ts'
import { decodeLinkState, type LinkState, type ListedLink } from './link-state.ts'
import { decodeMessage, type MeshMessage } from './message.ts'
import { shortestPaths, type ShortestPaths } from './shortest-paths.ts'
import { buildGraph, type ListedLinks, type TopologyGraph } from './topology-graph.ts'
import { createTreeCache } from './tree-cache.ts'

/** A link state as all nodes of the process hold it: one copy. */
export interface SharedState {
  readonly state: LinkState
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Work that mesh nodes of one process do once together instead of each for itself: the results are the same.
 * For simulations; a node alone in its process gains nothing by it.
 */
export interface SharedWork {
  readonly treesOf: BlockTreesOf
  /** Decodes a message; the bytes must never change. @throws X0tError MESH_MESSAGE_MALFORMED */
  readonly messageOf: (bytes: Uint8Array) => MeshMessage
  /** The one copy of a link state with this body and signature. @throws X0tError MESH_MESSAGE_MALFORMED */
  readonly stateOf: (body: Uint8Array, signature: Uint8Array) => SharedState
  /** The graph of what is listed; alike as long as the same objects are listed. */
  readonly graphOf: (listed: ListedLinks) => TopologyGraph
  readonly pathsFrom: (graph: TopologyGraph, root: number) => ShortestPaths
}

const decoded = Symbol('decoded')

/** Bytes that remember what they mean: a WeakMap of a million messages is what a garbage collector chokes on. */
interface SharedBytes extends Uint8Array {
  [decoded]?: MeshMessage
}

/** Graphs kept, each with the shortest paths that were asked for. */
const maxGraphs = 12
/** Link states kept for those who hear of them next. */
const maxStates = 20_000

/** @see SharedWork */
export function createSharedWork(): SharedWork {
  const states = new Map<string, SharedState>()
  const graphs = new Map<number, TopologyGraph>()
  const numbers = new WeakMap<ReadonlyMap<NodeId, ListedLink>, number>()
  let count = 0
  const numberOf = (links: ReadonlyMap<NodeId, ListedLink>): number => {
    let number = numbers.get(links)
    if (number === undefined) {
      // A sum of some thousand of them names a set of them: that two sets have the same is not to be feared.
      number = scatter(++count) * 256 + (scatter(~count) >>> 24)
      numbers.set(links, number)
    }
    return number
  }
  return {
    treesOf: createTreeCache(),
    messageOf(bytes) {
      const shared: SharedBytes = bytes
      return (shared[decoded] ??= decodeMessage(bytes))
    },
    stateOf(body, signature) {
      const key = Buffer.from(signature.buffer, signature.byteOffset, signature.length).toString('latin1')
      const known = states.get(key)
      if (known !== undefined && Buffer.compare(known.body, body) === 0) return known
      const shared = { state: decodeLinkState(body), body, signature }
      states.set(key, shared)
      if (states.size > maxStates) states.delete(states.keys().next().value!)
      return shared
    },
    graphOf(listed) {
      let key = 0
      for (const links of listed.values()) key += numberOf(links)
      const graph = graphs.get(key) ?? buildGraph(listed)
      graphs.delete(key)
      graphs.set(key, graph)
      if (graphs.size > maxGraphs) graphs.delete(graphs.keys().next().value!)
      return graph
    },
    pathsFrom: createPathMemo(),
  }
}

/** Shortest paths, computed once for each graph and root. */
export function createPathMemo(): (graph: TopologyGraph, root: number) => ShortestPaths {
  const memo = new WeakMap<TopologyGraph, (ShortestPaths | undefined)[]>()
  return (graph, root) => {
    let paths = memo.get(graph)
    if (paths === undefined) memo.set(graph, (paths = []))
    return (paths[root] ??= shortestPaths(graph, root))
  }
}

/** Finalizer of MurmurHash3 (Appleby, public domain): 32 bits that look drawn by lot. */
function scatter(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
