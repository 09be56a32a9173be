import type { NodeId } from '@x0t/core'
import type { LinkStateDatabase } from './link-state-database.ts'

/** A member as the link states tell; plain data. Name, addresses and features are the member's own words. */
export interface MapNode {
  readonly id: NodeId
  readonly name: string
  readonly addresses: readonly string[]
  readonly features: readonly string[]
  /** Links that it lists; one that the other end does not list carries nothing. */
  readonly neighbours: readonly MapLink[]
  readonly sequence: number
  /** Since the member signed this. */
  readonly ageMs: number
}

export interface MapLink {
  readonly id: NodeId
  readonly costUs: number
  readonly datagramBytes: number
}

/** What this node knows of the mesh; plain data, by ascending id. */
export interface MeshMap {
  readonly self: NodeId
  readonly nodes: readonly MapNode[]
}

export function mapOfDatabase(self: NodeId, database: LinkStateDatabase, nowMs: number): MeshMap {
  const nodes = [...database.values()].map(({ state, bornMs }): MapNode => ({
    id: state.origin,
    name: state.name,
    addresses: state.addresses,
    features: state.features,
    neighbours: [...state.neighbours].map(([id, link]) => ({ id, ...link })),
    sequence: state.sequence,
    ageMs: Math.max(0, nowMs - bornMs),
  }))
  return { self, nodes: nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1)) }
}
