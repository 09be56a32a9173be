import type { NodeId } from '@x0t/core'
import type { MeshContext } from './context.ts'
import { FlapDamping } from './flap-damping.ts'
import { limits } from './limits.ts'
import type { ListedLink } from './link-state.ts'
import type { LinkMeasurement } from './link-metric.ts'
import { TokenBucket } from './token-bucket.ts'
import { UsedCost } from './used-cost.ts'

/** A neighbour that is up. */
export interface Neighbour {
  readonly id: NodeId
  measurement: LinkMeasurement
  readonly cost: UsedCost
  /** Link states it may make us verify. */
  readonly states: TokenBucket
  /** Summaries and comparisons it may make us answer. */
  readonly summaries: TokenBucket
  /** Link states it may ask for. */
  readonly requests: TokenBucket
  /** Routed messages it may send, by number and by bytes. */
  readonly routed: TokenBucket
  readonly routedBytes: TokenBucket
}

/** The links of this node. */
export class Adjacency {
  readonly #context: MeshContext
  readonly #neighbours = new Map<NodeId, Neighbour>()
  readonly #damping = new Map<NodeId, FlapDamping>()

  constructor(context: MeshContext) {
    this.#context = context
  }

  get(id: NodeId): Neighbour | undefined {
    return this.#neighbours.get(id)
  }

  /** Ids of all neighbours that are up. */
  ids(): IterableIterator<NodeId> {
    return this.#neighbours.keys()
  }

  get size(): number {
    return this.#neighbours.size
  }

  values(): IterableIterator<Neighbour> {
    return this.#neighbours.values()
  }

  up(id: NodeId, measured: LinkMeasurement | undefined): void {
    const { parameters: p, nowMs } = this.#context
    const measurement = measured ?? {
      rttMs: p.metric.unmeasuredRttMs,
      lossRatio: 0,
      datagramBytes: p.metric.unmeasuredDatagramBytes,
      carrier: 'udp' as const,
    }
    this.#neighbours.set(id, {
      id,
      measurement,
      // A first guess may be corrected at once.
      cost: new UsedCost(measurement, measured === undefined ? -Infinity : nowMs, p.metric),
      states: new TokenBucket(p.neighbourBurst, p.neighbourPerSecond, nowMs),
      summaries: new TokenBucket(16, 1, nowMs),
      requests: new TokenBucket(2 * limits.members, p.neighbourPerSecond, nowMs),
      routed: new TokenBucket(p.routedBurst, p.routedPerSecond, nowMs),
      routedBytes: new TokenBucket(p.routedBurstBytes, p.routedBytesPerSecond, nowMs),
    })
  }

  /** False where it was not up. */
  down(id: NodeId): boolean {
    if (!this.#neighbours.delete(id)) return false
    const damping = this.#damping.get(id) ?? new FlapDamping(this.#context.parameters.damping)
    if (this.#damping.size < limits.members) this.#damping.set(id, damping)
    damping.wentDown(this.#context.nowMs)
    return true
  }

  /** Takes a measurement; true if what is listed of the link changed. */
  measure(id: NodeId, measurement: LinkMeasurement): boolean {
    const neighbour = this.#neighbours.get(id)
    if (neighbour === undefined) return false
    const sizeChanged = measurement.datagramBytes !== neighbour.measurement.datagramBytes
    // What was measured over another carrier says nothing of this one.
    if (measurement.carrier !== neighbour.measurement.carrier) neighbour.cost.restart()
    neighbour.measurement = measurement
    return neighbour.cost.measure(measurement, this.#context.nowMs) || sizeChanged
  }

  /** What this node lists: ascending by id, the cheapest 256; a suppressed link at the highest cost. */
  listed(): Map<NodeId, ListedLink> {
    const links = [...this.#neighbours.values()].map((neighbour): readonly [NodeId, ListedLink] => [
      neighbour.id,
      {
        costUs: this.isSuppressed(neighbour.id) ? limits.linkCostUs : neighbour.cost.us,
        datagramBytes: Math.min(
          Math.max(Math.trunc(neighbour.measurement.datagramBytes), 0),
          limits.datagramBytes,
        ),
      },
    ])
    const cheapest =
      links.length <= limits.neighbours
        ? links
        : links.toSorted(([, a], [, b]) => a.costUs - b.costUs).slice(0, limits.neighbours)
    return new Map(cheapest.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  isSuppressed(id: NodeId): boolean {
    return this.#damping.get(id)?.isSuppressed(this.#context.nowMs) ?? false
  }

  /** When the first suppressed link that is up may be used again; Infinity where there is none. */
  nextReuseMs(): number {
    let nextMs = Infinity
    for (const [id, damping] of this.#damping)
      if (this.#neighbours.has(id) && this.isSuppressed(id)) nextMs = Math.min(nextMs, damping.reuseMs())
    return nextMs
  }

  /** Forgets links that have long been quiet. */
  forget(): void {
    for (const [id, damping] of this.#damping)
      if (damping.isForgotten(this.#context.nowMs)) this.#damping.delete(id)
  }
}
