import type { Clock, NodeId } from '@x0t/core'
import type { RecordId } from '@x0t/dao'
import type { OrbitLimits } from './limits.ts'

interface Entry {
  /** `same`: exchanged with it; `other`: holds another DAO; `none`: holds none, or is too old to know of DAOs. */
  speaks: 'unknown' | 'same' | 'other' | 'none'
  dao: RecordId | undefined
  strikes: number
  mutedUntilMs: number
  requests: number
  windowEndsMs: number
}

/** What is known of neighbours, and who is not listened to. Lost with the process. */
export class NeighbourBook {
  readonly #limits: OrbitLimits
  readonly #clock: Clock
  readonly #entries = new Map<NodeId, Entry>()

  constructor(limits: OrbitLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  speaks(nodeId: NodeId): Entry['speaks'] {
    return this.#entries.get(nodeId)?.speaks ?? 'unknown'
  }

  /** True if that is news. */
  learn(nodeId: NodeId, speaks: Entry['speaks'], dao?: RecordId): boolean {
    const entry = this.#entry(nodeId)
    const isNew = entry.speaks !== speaks || entry.dao !== dao
    entry.speaks = speaks
    entry.dao = dao
    return isNew
  }

  withSpeech(speaks: Entry['speaks']): { readonly neighbour: NodeId; readonly dao: RecordId | undefined }[] {
    return [...this.#entries]
      .filter(([, entry]) => entry.speaks === speaks)
      .map(([neighbour, { dao }]) => ({ neighbour, dao }))
  }

  isMuted(nodeId: NodeId): boolean {
    return (this.#entries.get(nodeId)?.mutedUntilMs ?? 0) > this.#clock.monotonicMs()
  }

  /** Counts something that cannot be right; true if the neighbour is muted by it. */
  strike(nodeId: NodeId): boolean {
    const entry = this.#entry(nodeId)
    if (this.isMuted(nodeId) || ++entry.strikes < this.#limits.strikes) return false
    entry.strikes = 0
    entry.mutedUntilMs = this.#clock.monotonicMs() + this.#limits.muteMs
    return true
  }

  /** False if the neighbour has asked too much in these ten seconds. */
  admit(nodeId: NodeId): boolean {
    const entry = this.#entry(nodeId)
    const nowMs = this.#clock.monotonicMs()
    if (nowMs >= entry.windowEndsMs) {
      entry.windowEndsMs = nowMs + 10_000
      entry.requests = 0
    }
    return ++entry.requests <= this.#limits.requestsPer10s
  }

  /** Forgets whoever is no neighbour now and has no mute to sit out. */
  keepOnly(neighbours: ReadonlySet<NodeId>): void {
    for (const [nodeId, entry] of this.#entries) {
      if (neighbours.has(nodeId)) continue
      entry.speaks = 'unknown'
      if (!this.isMuted(nodeId)) this.#entries.delete(nodeId)
    }
  }

  #entry(nodeId: NodeId): Entry {
    const known = this.#entries.get(nodeId)
    if (known !== undefined) return known
    const entry: Entry = {
      speaks: 'unknown',
      dao: undefined,
      strikes: 0,
      mutedUntilMs: 0,
      requests: 0,
      windowEndsMs: 0,
    }
    this.#entries.set(nodeId, entry)
    return entry
  }
}
