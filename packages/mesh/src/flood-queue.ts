import type { NodeId } from '@x0t/core'
import type { MeshContext } from './context.ts'
import { sendStates } from './flooding.ts'
import type { StoredState } from './link-state-database.ts'

interface Pending {
  readonly stored: StoredState
  /** Neighbours that have it: they brought it. */
  readonly holders: Set<NodeId>
}

/**
 * New link states on their way to the neighbours. What may cost packets if it came late (a link that was lost or became
 * worse) goes at once and takes along what waits; the rest gathers for `floodHoldMs`, so that many changes at once,
 * as when a mesh starts, take few messages. A neighbour that brings a state meanwhile is not sent it.
 */
export class FloodQueue {
  readonly #context: MeshContext
  readonly #pending = new Map<NodeId, Pending>()
  #dueMs = Infinity

  constructor(context: MeshContext) {
    this.#context = context
  }

  /** @param from the neighbour that brought it; undefined for a state of this node */
  add(stored: StoredState, from: NodeId | undefined, isUrgent: boolean): void {
    const { nowMs, parameters } = this.#context
    const holders = new Set(from === undefined ? [] : [from])
    this.#pending.set(stored.state.origin, { stored, holders })
    this.#dueMs = Math.min(this.#dueMs, isUrgent ? nowMs : nowMs + parameters.floodHoldMs)
  }

  /** The neighbour brought the last state of `origin`, too. */
  heard(origin: NodeId, from: NodeId): void {
    this.#pending.get(origin)?.holders.add(from)
  }

  /** The member is gone: nothing more is told of it. */
  drop(origin: NodeId): void {
    this.#pending.delete(origin)
  }

  dueMs(): number {
    return this.#dueMs
  }

  /** Sends what is due to all of `neighbours` that lack it. */
  flushIfDue(neighbours: Iterable<NodeId>): void {
    if (this.#context.nowMs < this.#dueMs) return
    this.#dueMs = Infinity
    // Neighbours that lack the same get the same bytes.
    const groups = new Map<string, { readonly to: NodeId[]; readonly states: readonly StoredState[] }>()
    for (const id of neighbours) {
      const lacking = [...this.#pending.values()].filter(({ holders }) => !holders.has(id))
      if (lacking.length === 0) continue
      const key =
        lacking.length === this.#pending.size ? '' : lacking.map(({ stored }) => stored.check).join()
      const group = groups.get(key)
      if (group === undefined) groups.set(key, { to: [id], states: lacking.map(({ stored }) => stored) })
      else group.to.push(id)
    }
    for (const { to, states } of groups.values()) sendStates(this.#context, to, states)
    this.#pending.clear()
  }
}
