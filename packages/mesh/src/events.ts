import type { NodeId } from '@x0t/core'
import type { LinkMeasurement } from './link-metric.ts'
import type { RouteTable } from './route-table.ts'

/** What happens to a mesh node. */
export type MeshEvent =
  /** A control connection to a member is up; `measurement` where the link was measured already. */
  | { readonly type: 'neighbour-up'; readonly id: NodeId; readonly measurement?: LinkMeasurement }
  /** The neighbour is gone: by its connection or by missing probe answers. */
  | { readonly type: 'neighbour-down'; readonly id: NodeId }
  /** A newer measurement of the link. */
  | ({ readonly type: 'neighbour-metric'; readonly id: NodeId } & LinkMeasurement)
  /** Bytes of the mesh channel from a neighbour. */
  | { readonly type: 'message'; readonly from: NodeId; readonly bytes: Uint8Array }
  /** A member was banned or its certificate has run out. */
  | { readonly type: 'member-removed'; readonly id: NodeId }
  /** A member's key became known: its parked link states are verified now. */
  | { readonly type: 'member-known'; readonly id: NodeId }
  /** Carry `payload` (up to 61,440 bytes) to a member, neighbour or not. */
  | { readonly type: 'send-routed'; readonly to: NodeId; readonly payload: Uint8Array }
  /** Find the way to a member; the trace id, up to 64 characters, must be fresh. */
  | { readonly type: 'trace'; readonly to: NodeId; readonly traceId: string }
  | {
      readonly type: 'self-changed'
      readonly name?: string
      readonly addresses?: readonly string[]
      readonly features?: readonly string[]
    }
  /** The time asked for by the last `wake` has come; ticks at other times do no harm. */
  | { readonly type: 'tick' }

/** What the owner of a mesh node has to do, in this order. */
export type MeshAction =
  /** Send these bytes on the mesh channel to a neighbour that is up. */
  | { readonly type: 'send'; readonly to: NodeId; readonly bytes: Uint8Array }
  /** The routes differ from those of the last such action. */
  | { readonly type: 'routes-changed'; readonly table: RouteTable }
  /** A routed message for this node. Its source is a claim: the payload must prove it. */
  | { readonly type: 'deliver'; readonly from: NodeId; readonly payload: Uint8Array }
  /** A `send-routed` of this node that no route leads to. */
  | { readonly type: 'unroutable'; readonly to: NodeId }
  | ({ readonly type: 'trace-result' } & TraceResult)
  /** The map changed: members, links, names. */
  | { readonly type: 'topology-changed' }
  /** Send a `tick` at this time; replaces the last such wish. */
  | { readonly type: 'wake'; readonly atMs: number }

/** What a trace found; plain data. */
export interface TraceResult {
  readonly traceId: string
  readonly to: NodeId
  readonly reached: boolean
  /** In the order of the path, without this node. */
  readonly hops: readonly TraceHop[]
}

export interface TraceHop {
  readonly id: NodeId
  /** From sending the probe to this hop's answer, µs; null where the answer was lost. */
  readonly rttUs: number | null
}
