import type { NodeId } from '@x0t/core'
import { maxRemaining } from './forward.ts'

interface Former {
  readonly costUs: number
  /** Until when it counts. */
  readonly untilMs: number
}

/**
 * The least cost that each member was reached at during the last window, the time in which tables may disagree.
 * A relay that demands less of it than the packet says cannot lead the packet back by news that others lack.
 */
export class FeasibleDistances {
  readonly #windowMs: number
  readonly #currentUs = new Map<NodeId, number>()
  /** Costs of before, ascending, each later than the one before it. */
  readonly #former = new Map<NodeId, Former[]>()

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** Takes the costs in use from now on. */
  use(costsUs: ReadonlyMap<NodeId, number>, nowMs: number): void {
    const untilMs = nowMs + this.#windowMs
    for (const [id, usedUs] of this.#currentUs) {
      const costUs = costsUs.get(id)
      if (costUs === usedUs) continue
      const leastUs = Math.min(usedUs, costUs ?? Infinity)
      const former = (this.#former.get(id) ?? []).filter((other) => other.costUs < leastUs)
      if (leastUs === usedUs) former.push({ costUs: usedUs, untilMs })
      if (former.length === 0) this.#former.delete(id)
      else this.#former.set(id, former)
      if (costUs === undefined) this.#currentUs.delete(id)
    }
    for (const [id, costUs] of costsUs) this.#currentUs.set(id, costUs)
  }

  /** The feasible distance at present, µs, up to 2³⁰ − 1. */
  of(id: NodeId): number {
    const leastUs = this.#former.get(id)?.[0]?.costUs ?? Infinity
    return Math.min(leastUs, this.#currentUs.get(id) ?? Infinity, maxRemaining)
  }

  /** Forgets what is older than the window; true if a distance rose. */
  expire(nowMs: number): boolean {
    let hasRisen = false
    for (const [id, former] of this.#former) {
      const kept = former.filter(({ untilMs }) => untilMs > nowMs)
      if (kept.length === former.length) continue
      hasRisen = true
      if (kept.length === 0) this.#former.delete(id)
      else this.#former.set(id, kept)
    }
    return hasRisen
  }

  /** When the next distance may rise; Infinity where none does. */
  nextMs(): number {
    let nextMs = Infinity
    for (const former of this.#former.values()) nextMs = Math.min(nextMs, former[0]!.untilMs)
    return nextMs
  }
}
