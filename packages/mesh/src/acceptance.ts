import { messageOf, type NodeId } from '@x0t/core'
import type { Adjacency } from './adjacency.ts'
import type { MeshContext } from './context.ts'
import { limits } from './limits.ts'
import { checkOf, type LinkStateDatabase, type StoredState } from './link-state-database.ts'
import { decodeLinkState, type LinkState } from './link-state.ts'
import type { Envelope } from './message.ts'
import type { SharedState, SharedWork } from './shared-work.ts'
import { TokenBucket } from './token-bucket.ts'

/** Whether a signature is good; `unknown-origin` where the key is not known (yet). */
export type Verify = (
  origin: NodeId,
  body: Uint8Array,
  signature: Uint8Array,
) => 'ok' | 'bad' | 'unknown-origin'

/** Tokens that a bad signature costs the neighbour that passed it on. */
const badSignatureFine = 50
/** Link states of unknown origins that wait for a key, of one origin and in all. */
const parkedPerOrigin = 8
const parkedOrigins = 128

export interface AcceptanceOptions {
  readonly verify: Verify
  readonly shared: SharedWork | undefined
  wallMs(): number
  /** A newer verified state of another node; `from` is the neighbour that brought it. */
  onNewer(stored: StoredState, from: NodeId): void
  /** A verified state of this node that is not its last one: of an earlier life. */
  onOwn(state: LinkState): void
  /** The neighbour brought the state that is held already. */
  onDuplicate(origin: NodeId, from: NodeId): void
}

/** Decides which link states from neighbours are taken in: newer, verified, plausible, and not too many. */
export class Acceptance {
  readonly #context: MeshContext
  readonly #database: LinkStateDatabase
  readonly #adjacency: Adjacency
  readonly #options: AcceptanceOptions
  readonly #removed = new Set<NodeId>()
  readonly #parked = new Map<
    NodeId,
    Map<NodeId, { readonly envelope: Envelope; readonly receivedMs: number }>
  >()
  readonly #buckets = new Map<NodeId, TokenBucket>()
  /** Verified states of origins that change too often, the newest each. */
  readonly #held = new Map<NodeId, { readonly stored: StoredState; readonly from: NodeId }>()
  /** Neighbours whose states were dropped for their number: databases are compared once more. */
  readonly #unfinished = new Set<NodeId>()

  constructor(
    context: MeshContext,
    database: LinkStateDatabase,
    adjacency: Adjacency,
    options: AcceptanceOptions,
  ) {
    this.#context = context
    this.#database = database
    this.#adjacency = adjacency
    this.#options = options
  }

  isRemoved(origin: NodeId): boolean {
    return this.#removed.has(origin)
  }

  /** Nothing of `origin` is taken in until it is known again. */
  remove(origin: NodeId): void {
    if (this.#removed.size < limits.members) this.#removed.add(origin)
    this.#parked.delete(origin)
    this.#held.delete(origin)
    this.#buckets.delete(origin)
  }

  /** Verifies what waited for the key of `origin`. */
  known(origin: NodeId): void {
    this.#removed.delete(origin)
    const parked = this.#parked.get(origin)
    this.#parked.delete(origin)
    if (parked === undefined) return
    for (const [from, { envelope, receivedMs }] of parked) {
      const ageMs = envelope.ageMs + Math.round(this.#context.nowMs - receivedMs)
      this.#examine({ ...envelope, ageMs }, from)
    }
  }

  /** A link state as it comes from a neighbour. */
  offer(envelope: Envelope, from: NodeId): void {
    const { nowMs, parameters } = this.#context
    const { origin, ageMs } = envelope
    if (this.#removed.has(origin)) return this.#count('removed')
    if (ageMs >= parameters.maxAgeMs) return this.#count('old')
    if (!this.#isNews(envelope, from)) return this.#count('duplicate')
    if (this.#adjacency.get(from)?.states.take(nowMs) !== true) {
      this.#unfinished.add(from)
      return this.#count('limited')
    }
    this.#examine(envelope, from)
  }

  /** Takes in held states whose origin may change again. */
  release(): void {
    const { nowMs } = this.#context
    for (const [origin, { stored, from }] of this.#held) {
      if (this.#buckets.get(origin)?.take(nowMs) === false) continue
      this.#held.delete(origin)
      this.#options.onNewer(stored, from)
    }
  }

  /** When the next held state may be taken in; Infinity where none waits. */
  nextReleaseMs(): number {
    let nextMs = Infinity
    for (const origin of this.#held.keys())
      nextMs = Math.min(nextMs, this.#buckets.get(origin)?.readyMs(this.#context.nowMs) ?? Infinity)
    return nextMs
  }

  /** The neighbours whose databases are to be compared again; asks only once. */
  takeUnfinished(): NodeId[] {
    const ids = [...this.#unfinished]
    this.#unfinished.clear()
    return ids
  }

  /** Forgets what waits in vain, and full buckets of origins that are gone. */
  expire(): void {
    const { nowMs, parameters } = this.#context
    for (const [origin, parked] of this.#parked) {
      for (const [from, { receivedMs }] of parked)
        if (nowMs - receivedMs > parameters.maxAgeMs) parked.delete(from)
      if (parked.size === 0) this.#parked.delete(origin)
    }
    for (const origin of this.#buckets.keys())
      if (this.#database.get(origin) === undefined && !this.#held.has(origin)) this.#buckets.delete(origin)
  }

  #isNews({ origin, sequence, ageMs, signature }: Envelope, from: NodeId): boolean {
    const offered = { origin, sequence, check: checkOf(signature) }
    if (!this.#database.lacks(offered)) {
      const stored = this.#database.get(origin)!
      // The same state by a quicker way: it is as young as the youngest copy says.
      if (stored.state.sequence === sequence && stored.check === offered.check) {
        stored.bornMs = Math.max(stored.bornMs, this.#context.nowMs - ageMs)
        this.#options.onDuplicate(origin, from)
      }
      return false
    }
    const held = this.#held.get(origin)?.stored
    return held === undefined || sequence > held.state.sequence
  }

  #examine(envelope: Envelope, from: NodeId): void {
    const { origin, body, signature } = envelope
    const verdict = this.#options.verify(origin, body, signature)
    if (verdict === 'unknown-origin') return this.#park(envelope, from)
    if (verdict === 'bad') return this.#refuse(envelope, from, 'bad-signature')
    let found: SharedState
    try {
      const { shared } = this.#options
      found =
        shared === undefined
          ? { state: decodeLinkState(body), body, signature }
          : shared.stateOf(body, signature)
    } catch (error) {
      return this.#refuse(envelope, from, messageOf(error))
    }
    const { state } = found
    if (state.origin !== origin || state.sequence !== envelope.sequence)
      return this.#refuse(envelope, from, 'envelope-differs')
    this.#admit(envelope, found, from)
  }

  #admit({ ageMs }: Envelope, found: SharedState, from: NodeId): void {
    const { self, nowMs, parameters, log } = this.#context
    const { state, body, signature } = found
    const { origin } = state
    if (origin === self) return this.#options.onOwn(state)
    if (
      Math.abs(this.#options.wallMs() - state.issuedAtMs) >
      parameters.maxAgeMs + parameters.clockToleranceMs
    ) {
      log.warn('mesh-clock-differs', { origin, issuedAtMs: state.issuedAtMs })
      return this.#count('clock')
    }
    if (!this.#database.hasRoomFor(origin)) return this.#count('full')
    const stored = { state, body, signature, check: checkOf(signature), bornMs: nowMs - ageMs }
    let bucket = this.#buckets.get(origin)
    if (bucket === undefined) {
      bucket = new TokenBucket(parameters.originBurst, parameters.originPerSecond, nowMs)
      this.#buckets.set(origin, bucket)
    }
    if (!bucket.take(nowMs)) {
      this.#held.set(origin, { stored, from })
      return this.#count('held')
    }
    this.#held.delete(origin)
    this.#count('taken')
    this.#options.onNewer(stored, from)
  }

  #park(envelope: Envelope, from: NodeId): void {
    const { origin } = envelope
    let parked = this.#parked.get(origin)
    if (parked === undefined) {
      if (this.#parked.size >= parkedOrigins) return this.#count('parked-full')
      parked = new Map()
      this.#parked.set(origin, parked)
    }
    // One place for each neighbour that brought it: none can push out what another brought.
    if (!parked.has(from) && parked.size >= parkedPerOrigin) return this.#count('parked-full')
    parked.set(from, { envelope, receivedMs: this.#context.nowMs })
    this.#count('parked')
  }

  #refuse({ origin }: Envelope, from: NodeId, reason: string): void {
    this.#adjacency.get(from)?.states.fine(this.#context.nowMs, badSignatureFine)
    this.#context.log.warn('mesh-link-state-refused', { origin, from, reason })
    this.#count('refused')
  }

  #count(result: string): void {
    this.#context.counters.count('mesh_link_states_total', { result })
  }
}
