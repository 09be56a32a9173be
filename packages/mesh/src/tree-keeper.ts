import type { NodeId } from '@x0t/core'
import type { MeshContext } from './context.ts'
import { buildTrees, type BlockTreesOf, type IndependentPaths } from './independent-trees.ts'
import { sameConnectivity, type TopologyGraph } from './topology-graph.ts'

type Paths = ReadonlyMap<NodeId, IndependentPaths>

/**
 * Keeps the ways on the independent trees in step with who is linked to whom. They may lag: after a hold of their own
 * they are computed in slices, while routes and alternates go on with those of before.
 */
export class TreeKeeper {
  readonly #context: MeshContext
  readonly #treesOf: BlockTreesOf | undefined
  /** The last graph looked at; trees are made for it next. */
  #wanted: TopologyGraph | undefined
  #slices: Generator<undefined, Paths> | undefined
  #nextSliceMs = Infinity
  /** Since when trees are wanted, and when links last came or went. */
  #wantedMs = Infinity
  #changedMs = Infinity
  paths: Paths = new Map()

  constructor(context: MeshContext, treesOf: BlockTreesOf | undefined) {
    this.#context = context
    this.#treesOf = treesOf
  }

  /** Takes notice of the graph in use; asks for new trees where other nodes are linked than before. */
  look(graph: TopologyGraph): void {
    if (this.#wanted !== undefined && sameConnectivity(this.#wanted, graph)) return
    this.#wanted = graph
    this.#changedMs = this.#context.nowMs
    if (this.#wantedMs === Infinity) this.#wantedMs = this.#changedMs
  }

  dueMs(): number {
    if (this.#slices !== undefined) return this.#nextSliceMs
    const { quietMs, maxMs } = this.#context.parameters.treeHold
    return Math.min(this.#changedMs + quietMs, this.#wantedMs + maxMs)
  }

  /** Works on the trees for a slice, if it is time; true when new ones are complete. */
  work(): boolean {
    const { nowMs, self, counters } = this.#context
    if (nowMs < this.dueMs()) return false
    if (this.#slices === undefined) {
      this.#wantedMs = this.#changedMs = Infinity
      counters.count('mesh_trees_total')
      this.#slices = buildTrees(this.#wanted!, self, this.#treesOf)
    }
    const { done, value } = this.#slices.next()
    if (done !== true) {
      this.#nextSliceMs = nowMs + 1
      return false
    }
    this.#slices = undefined
    this.paths = value
    return true
  }
}
