import type { NodeId } from '@x0t/core'
import { limits } from './limits.ts'
import type { LinkState } from './link-state.ts'
import type { Envelope, SummaryEntry } from './message.ts'

/** A verified link state in the database. */
export interface StoredState {
  readonly state: LinkState
  readonly body: Uint8Array
  readonly signature: Uint8Array
  /** First 4 bytes of the signature: tells apart two states of one sequence. */
  readonly check: number
  /** When the origin signed it, on this node's monotonic clock, as the relays' ages tell. */
  bornMs: number
}

/**
 * The verified link states, one per origin. `check` is the XOR of all entries' checks mixed with their sequences:
 * equal databases have equal checks.
 */
export class LinkStateDatabase {
  readonly #states = new Map<NodeId, StoredState>()
  #check = 0

  get size(): number {
    return this.#states.size
  }

  get check(): number {
    return this.#check >>> 0
  }

  get(origin: NodeId): StoredState | undefined {
    return this.#states.get(origin)
  }

  values(): IterableIterator<StoredState> {
    return this.#states.values()
  }

  origins(): IterableIterator<NodeId> {
    return this.#states.keys()
  }

  /** True if another origin may still be taken in. */
  hasRoomFor(origin: NodeId): boolean {
    return this.#states.has(origin) || this.#states.size < limits.members
  }

  set(stored: StoredState): void {
    this.delete(stored.state.origin)
    this.#states.set(stored.state.origin, stored)
    this.#check ^= mixed(stored)
  }

  delete(origin: NodeId): StoredState | undefined {
    const stored = this.#states.get(origin)
    if (stored === undefined) return undefined
    this.#states.delete(origin)
    this.#check ^= mixed(stored)
    return stored
  }

  summary(): SummaryEntry[] {
    return [...this.#states.values()].map(({ state, check }) => ({
      origin: state.origin,
      sequence: state.sequence,
      check,
    }))
  }

  /** True if `offered` is newer than what is held; of two states of one sequence the higher check wins everywhere. */
  lacks(offered: SummaryEntry): boolean {
    const held = this.#states.get(offered.origin)
    if (held === undefined) return true
    if (offered.sequence !== held.state.sequence) return offered.sequence > held.state.sequence
    return offered.check > held.check
  }
}

/** The envelope of a stored state at `nowMs`. */
export function envelopeOf(stored: StoredState, nowMs: number): Envelope {
  return {
    origin: stored.state.origin,
    sequence: stored.state.sequence,
    ageMs: Math.max(0, Math.round(nowMs - stored.bornMs)),
    body: stored.body,
    signature: stored.signature,
  }
}

/** First 4 bytes of a signature as an unsigned integer. */
export function checkOf(signature: Uint8Array): number {
  return ((signature[0]! << 24) | (signature[1]! << 16) | (signature[2]! << 8) | signature[3]!) >>> 0
}

function mixed({ check, state }: StoredState): number {
  return Math.imul(check ^ (state.sequence % 2 ** 32), 0x9e3779b1)
}
