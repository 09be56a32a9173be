import type { NodeId } from '@x0t/core'

/** Notices to which members another path leads than before. */
export interface PathWatch {
  /** The members whose path is new or another than at the last look. */
  look(routes: ReadonlyMap<NodeId, { readonly path: readonly NodeId[] }>): NodeId[]
  /** The members that are reached through this neighbour, itself among them. */
  through(neighbour: NodeId): NodeId[]
}

export function createPathWatch(): PathWatch {
  let paths = new Map<NodeId, readonly NodeId[]>()
  return {
    look(routes) {
      const before = paths
      paths = new Map([...routes].map(([id, { path }]) => [id, path]))
      return [...paths].flatMap(([id, path]) => (isSame(before.get(id), path) ? [] : [id]))
    },
    through: (neighbour) => [...paths].flatMap(([id, path]) => (path.includes(neighbour) ? [id] : [])),
  }
}

function isSame(one: readonly NodeId[] | undefined, other: readonly NodeId[]): boolean {
  return one?.length === other.length && one.every((id, at) => id === other[at])
}
