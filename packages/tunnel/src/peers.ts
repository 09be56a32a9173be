import { X0tError } from '@x0t/core'
import { maxPeers, maxSessions } from './limits.ts'

/** Numbers members, as indices into the shared arrays; a number is free again when no route or session needs it. */
export interface Peers {
  /** The member's number. @throws X0tError DATA_PLANE_FULL */
  indexOf(label: Uint8Array): number
  labelOf(index: number, found: (label: Uint8Array) => void): void
  /** All members that have a number. */
  all(): readonly (readonly [label: Uint8Array, index: number])[]
  setRouted(indices: readonly number[]): void
  /** @throws X0tError DATA_PLANE_FULL */
  addSession(localSpi: number, label: Uint8Array): number
  removeSession(localSpi: number): void
}

export function createPeers(): Peers {
  const indices = new Map<string, number>()
  const labels = new Map<number, Uint8Array>()
  const sessions = new Map<number, number>()
  let routed = new Set<number>()
  const keyOf = (label: Uint8Array): string => Buffer.from(label).toString('hex')
  /** Frees what neither routes nor sessions use; called only when numbers run out. */
  const sweep = (): void => {
    const used = new Set([...routed, ...sessions.values()])
    for (const [key, index] of indices) {
      if (used.has(index)) continue
      indices.delete(key)
      labels.delete(index)
    }
  }
  const indexOf = (label: Uint8Array): number => {
    const known = indices.get(keyOf(label))
    if (known !== undefined) return known
    if (indices.size >= maxPeers) sweep()
    if (indices.size >= maxPeers) throw full('peers', maxPeers)
    let index = labels.size
    while (labels.has(index)) index = (index + 1) % maxPeers
    indices.set(keyOf(label), index)
    labels.set(index, Uint8Array.from(label))
    return index
  }
  return {
    indexOf,
    labelOf(index, found) {
      const label = labels.get(index)
      if (label !== undefined) found(label)
    },
    all: () => [...labels].map(([index, label]) => [label, index]),
    setRouted(next) {
      routed = new Set(next)
    },
    addSession(localSpi, label) {
      if (sessions.size >= maxSessions && !sessions.has(localSpi)) throw full('sessions', maxSessions)
      const index = indexOf(label)
      sessions.set(localSpi, index)
      return index
    },
    removeSession: (localSpi) => void sessions.delete(localSpi),
  }
}

export function full(what: string, limit: number): X0tError {
  return new X0tError('DATA_PLANE_FULL', `the data plane has room for ${limit} ${what}`)
}
