import type { NodeId } from '@x0t/core'

/** Prefix of the feature by which a node names this run of itself. */
export const bootFeature = 'boot:'

/** Notices which members were restarted. */
export interface RestartWatch {
  /** The members whose run is another than at the last look; one that is new is none of them. */
  look(nodes: readonly { readonly id: NodeId; readonly features: readonly string[] }[]): NodeId[]
}

export function createRestartWatch(self: NodeId): RestartWatch {
  const boots = new Map<NodeId, string>()
  return {
    look(nodes) {
      const restarted: NodeId[] = []
      const present = new Set<NodeId>()
      for (const { id, features } of nodes) {
        const boot = features.find((feature) => feature.startsWith(bootFeature))
        if (boot === undefined || id === self) continue
        present.add(id)
        const before = boots.get(id)
        boots.set(id, boot)
        if (before !== undefined && before !== boot) restarted.push(id)
      }
      if (boots.size > 4096) for (const id of boots.keys()) if (!present.has(id)) boots.delete(id)
      return restarted
    },
  }
}
