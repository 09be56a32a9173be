/**
 * Link-state routing of the mesh as a pure state machine: signed link states, shortest paths on measured latency and
 * loss, loop-free alternates, routed messages, traces. Events go in with the time, actions come out.
 *
 * @example
 * import { createMesh } from '@x0t/mesh'
 * const mesh = createMesh({ self, name: 'pi', sign, verify, random, wallMs: Date.now, firstSequence: Date.now() })
 * const actions = mesh.handle({ type: 'neighbour-up', id: neighbour }, performance.now())
 * for (const action of actions) if (action.type === 'send') connection(action.to).write(action.bytes)
 */
export { createMesh, type Mesh, type MeshOptions, type NeighbourView } from './mesh.ts'
export type { MeshAction, MeshEvent, TraceHop, TraceResult } from './events.ts'
export type { Verify } from './acceptance.ts'
export type { SelfDescription } from './origination.ts'
export type { MapLink, MapNode, MeshMap } from './map-view.ts'
export { computeRoutes, type Route, type RouteOptions, type RouteTable } from './route-table.ts'
export type { Alternate, AlternateKind } from './alternates.ts'
export {
  buildTrees,
  independentTrees,
  type BlockTrees,
  type BlockTreesOf,
  type IndependentPaths,
  type TreeHop,
} from './independent-trees.ts'
export type { Block } from './blocks.ts'
export type { Rows } from './st-numbering.ts'
export { createSharedWork, type SharedState, type SharedWork } from './shared-work.ts'
export {
  forward,
  maxRemaining,
  planes,
  sourceRemaining,
  type DropReason,
  type Forwarding,
  type Plane,
  type PlaneName,
} from './forward.ts'
export { kDisjointPaths, type DisjointPath, type DisjointPaths, type Disjointness } from './disjoint-paths.ts'
export { buildGraph, linkBetween, type ListedLinks, type TopologyGraph } from './topology-graph.ts'
export { pathTo, shortestPaths, type ShortestPaths } from './shortest-paths.ts'
export { linkCostUs, type Carrier, type LinkMeasurement } from './link-metric.ts'
export type { ListedLink } from './link-state.ts'
export {
  defaultParameters,
  type DampingParameters,
  type HoldParameters,
  type MeshParameters,
  type MetricParameters,
} from './parameters.ts'
export { limits } from './limits.ts'
export { errorCodes } from './errors.ts'
