import type { NodeId } from '@x0t/core'
import type { RouteTable, TraceResult } from '@x0t/mesh'
import type { DataPlaneEvent } from '@x0t/tunnel'

/** What the data plane tells of whole paths. */
export type PathEvent = Extract<DataPlaneEvent, { readonly kind: 'path-suspect' | 'path-clear' }>

/** What healing sees of a link to a neighbour. */
export interface SeenLink {
  readonly nodeId: NodeId
  readonly isUp: boolean
  readonly isControlUp: boolean
  readonly rttMs: number | undefined
  /** Share of datagrams lost on the way to us. */
  readonly lossRatio: number | undefined
  /** Share lost on the way to the neighbour, where it tells. */
  readonly lossToRatio?: number | undefined
  /** Silence after which the link counts as down. */
  readonly deadlineMs?: number | undefined
  readonly downReason?: string | undefined
}

/** The mesh as healing sees it. */
export interface SeenMesh {
  routes(): RouteTable
  map(): {
    readonly nodes: readonly {
      readonly id: NodeId
      readonly features: readonly string[]
      readonly neighbours: readonly { readonly id: NodeId }[]
    }[]
  }
  trace(to: NodeId): Promise<TraceResult>
}

/** What the host can be asked. Undefined: it could not be measured. */
export interface HostProbes {
  /** Processor time in use since the last call, percent of all processors. */
  cpuPercent(): number | undefined
  memoryPercent(): number | undefined
  /** Longest delay of this process' event loop since the last call, ms. */
  stallMs(): number | undefined
  /** Free space where the home lies, MiB. */
  diskFreeMib(): Promise<number | undefined>
  /** Writes a little to the home and removes it; the reason if that fails. */
  tryToWrite(): Promise<string | undefined>
}
