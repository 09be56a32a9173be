import type { Block } from './blocks.ts'
import { treesOfBlock, type BlockTrees, type BlockTreesOf } from './independent-trees.ts'
import type { TopologyGraph } from './topology-graph.ts'

interface Entry {
  readonly ids: readonly string[]
  readonly block: Block
  /** By the root's place. */
  readonly trees: (BlockTrees | undefined)[]
}

/** What was used longest ago goes first when so many blocks are kept. */
const maxBlocks = 256

/**
 * A cache of trees for the nodes of one process, as in simulations: whoever asks for the trees of the same block
 * (the same ids, linked alike) gets the same arrays. One node alone gains nothing by it and holds more memory.
 */
export function createTreeCache(): BlockTreesOf {
  const entries = new Map<number, Entry>()
  /** The entry of each block object that was looked up. */
  const known = new WeakMap<Block, Entry>()

  const entryOf = (graph: TopologyGraph, block: Block): Entry => {
    const found = known.get(block)
    if (found !== undefined) return found
    const ids = [...block.nodes].map((node) => graph.ids[node]!)
    const key = hashOf(ids, block)
    let entry = entries.get(key)
    if (entry === undefined || !isSame(entry, ids, block)) entry = { ids, block, trees: [] }
    // The newest use stands last.
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > maxBlocks) entries.delete(entries.keys().next().value!)
    known.set(block, entry)
    return entry
  }

  return (graph, block, root) => {
    if (block.nodes.length === 2) return treesOfBlock(block, root)
    return (entryOf(graph, block).trees[root] ??= treesOfBlock(block, root))
  }
}

function hashOf(ids: readonly string[], { targets }: Block): number {
  let hash = 0x811c9dc5
  for (const id of ids) for (let i = 0; i < 8; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  for (const target of targets) hash = Math.imul(hash ^ target, 0x01000193)
  return hash
}

function isSame(entry: Entry, ids: readonly string[], { offsets, targets }: Block): boolean {
  return (
    entry.ids.length === ids.length &&
    entry.ids.every((id, i) => id === ids[i]) &&
    entry.block.offsets.every((offset, i) => offset === offsets[i]) &&
    entry.block.targets.length === targets.length &&
    entry.block.targets.every((target, i) => target === targets[i])
  )
}
