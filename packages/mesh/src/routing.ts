import type { NodeId } from '@x0t/core'
import type { MeshContext } from './context.ts'
import { ExponentialHold } from './exponential-hold.ts'
import { FeasibleDistances } from './feasible-distances.ts'
import { computeRoutes, sameRoutes, type RouteTable } from './route-table.ts'
import { createPathMemo, type SharedWork } from './shared-work.ts'
import type { TopologyGraph } from './topology-graph.ts'
import { TreeKeeper } from './tree-keeper.ts'

/** Keeps the routes in step with the links: at once where asked, else after a hold that gathers bursts of news. */
export class Routing {
  readonly #context: MeshContext
  readonly #hold: ExponentialHold
  readonly #graphNow: () => TopologyGraph
  readonly #pathsFrom: SharedWork['pathsFrom']
  /** Neighbours that went down a moment ago, and until when they are taken for dead. */
  readonly #suspects = new Map<NodeId, number>()
  readonly #trees: TreeKeeper
  readonly #feasible: FeasibleDistances
  #graph: TopologyGraph | undefined
  /** As computed, before feasible distances are filled in. */
  #computed: RouteTable = new Map()
  #table: RouteTable = new Map()

  /** @param graphNow the links that both ends list at the moment */
  constructor(context: MeshContext, graphNow: () => TopologyGraph, shared: SharedWork | undefined) {
    this.#context = context
    this.#hold = new ExponentialHold(context.parameters.spfHold)
    this.#graphNow = graphNow
    this.#pathsFrom = shared?.pathsFrom ?? createPathMemo()
    this.#trees = new TreeKeeper(context, shared?.treesOf)
    this.#feasible = new FeasibleDistances(context.parameters.feasibleWindowMs)
  }

  get table(): RouteTable {
    return this.#table
  }

  get graph(): TopologyGraph {
    return (this.#graph ??= this.#graphNow())
  }

  /** Says that links changed: the routes are due after the hold. */
  linksChanged(): void {
    this.#graph = undefined
    this.#hold.request(this.#context.nowMs)
  }

  /**
   * A neighbour is gone. The other link states still lead through it; until they are renewed no path does,
   * so that the first answer to a node's death is as good as its node-protecting alternate.
   */
  suspect(id: NodeId): void {
    this.#suspects.set(id, this.#context.nowMs + this.#context.parameters.suspectMs)
    this.linksChanged()
    this.compute()
  }

  /** The node gave a sign of life: only the link to it was lost. */
  acquit(id: NodeId): void {
    if (this.#suspects.delete(id)) this.linksChanged()
  }

  dueMs(): number {
    return Math.min(
      this.#hold.dueMs,
      this.#trees.dueMs(),
      this.#feasible.nextMs(),
      ...this.#suspects.values(),
    )
  }

  /** Computes the routes, with the trees that are known, and tells if they differ from the last. */
  compute(): void {
    const { nowMs, self, parameters, counters } = this.#context
    this.#hold.ran(nowMs)
    counters.count('mesh_spf_total')
    this.#trees.look(this.graph)
    this.#computed = computeRoutes(this.graph, self, {
      candidates: parameters.alternateCandidates,
      suspects: new Set(this.#suspects.keys()),
      trees: this.#trees.paths,
      pathsFrom: this.#pathsFrom,
    })
    this.#feasible.use(new Map([...this.#computed].map(([id, { costUs }]) => [id, costUs])), nowMs)
    this.#feasible.expire(nowMs)
    this.#tell()
  }

  computeIfDue(): void {
    const { nowMs } = this.#context
    for (const [id, untilMs] of this.#suspects) if (nowMs >= untilMs) this.acquit(id)
    if (this.#trees.work()) this.#hold.request(nowMs)
    if (nowMs >= this.#hold.dueMs) this.compute()
    else if (this.#feasible.expire(nowMs)) this.#tell()
  }

  #tell(): void {
    const table = new Map(this.#computed)
    for (const [id, route] of table) {
      const feasibleUs = this.#feasible.of(id)
      if (feasibleUs !== route.feasibleUs) table.set(id, { ...route, feasibleUs })
    }
    if (sameRoutes(this.#table, table)) return
    this.#table = table
    this.#context.emit({ type: 'routes-changed', table })
  }
}
