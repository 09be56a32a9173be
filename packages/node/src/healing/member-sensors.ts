import type { Clock, NodeId } from '@x0t/core'
import type { Reading } from '@x0t/mape-k'
import type { RouteTable } from '@x0t/mesh'

/** Sensors of members: whether routes lead to them, and whether sessions with them come about. */
export interface MemberSensors {
  routes(table: RouteTable, exists: (id: NodeId) => boolean): void
  sessionFailed(peer: NodeId, code: string): void
  sessionMade(peer: NodeId): void
  /** Sessions that nobody has wanted for a while are no trouble any more. */
  look(): void
  forget(id: NodeId): void
}

/** A session that is wanted is tried at least this often. */
const unwantedAfterMs = 60_000

export function createMemberSensors({
  isRoutable,
  clock,
  read,
  gone,
}: {
  readonly isRoutable: (id: NodeId) => boolean
  readonly clock: Clock
  readonly read: (reading: Reading) => void
  readonly gone: (subject: string) => void
}): MemberSensors {
  let reachable = new Set<NodeId>()
  const lost = new Set<NodeId>()
  const failures = new Map<NodeId, { count: number; atMs: number }>()
  return {
    routes(table, exists) {
      const before = reachable
      reachable = new Set(table.keys())
      for (const id of reachable)
        if (lost.delete(id)) read({ sensor: 'node-unreachable', subject: `node:${id}`, value: 0 })
      for (const id of before) {
        if (reachable.has(id) || !exists(id)) continue
        lost.add(id)
        read({ sensor: 'node-unreachable', subject: `node:${id}`, value: 1 })
      }
    },
    sessionFailed(peer, code) {
      // Without a route it cannot come about: that is another sensor's matter.
      if (!isRoutable(peer)) return
      const entry = failures.get(peer) ?? { count: 0, atMs: 0 }
      entry.count++
      entry.atMs = clock.monotonicMs()
      failures.set(peer, entry)
      read({ sensor: 'session-failed', subject: `session:${peer}`, value: entry.count, detail: { code } })
    },
    sessionMade(peer) {
      if (failures.delete(peer)) read({ sensor: 'session-failed', subject: `session:${peer}`, value: 0 })
    },
    look() {
      for (const [peer, { atMs }] of failures) {
        if (clock.monotonicMs() - atMs < unwantedAfterMs) continue
        failures.delete(peer)
        gone(`session:${peer}`)
      }
    },
    forget(id) {
      reachable.delete(id)
      lost.delete(id)
      failures.delete(id)
    },
  }
}
