import type { DampingParameters } from './parameters.ts'

/**
 * Memory of how often a link went down: a penalty that decays by half every half-life, with two thresholds
 * (RFC 2439 §4.2). A suppressed link stays listed at the highest cost, so that it never cuts the mesh in two.
 */
export class FlapDamping {
  readonly #parameters: DampingParameters
  #penalty = 0
  #atMs = 0
  #suppressed = false

  constructor(parameters: DampingParameters) {
    this.#parameters = parameters
  }

  wentDown(nowMs: number): void {
    const { downPenalty, maxPenalty, suppressAt } = this.#parameters
    this.#penalty = Math.min(this.#decayed(nowMs) + downPenalty, maxPenalty)
    this.#atMs = nowMs
    if (this.#penalty >= suppressAt) this.#suppressed = true
  }

  isSuppressed(nowMs: number): boolean {
    if (this.#suppressed && nowMs >= this.reuseMs()) this.#suppressed = false
    return this.#suppressed
  }

  /** When a suppressed link is to be used again; Infinity where it is not suppressed. */
  reuseMs(): number {
    if (!this.#suppressed) return Infinity
    const { reuseAt, halfLifeMs } = this.#parameters
    return this.#atMs + Math.max(0, Math.log2(this.#penalty / reuseAt)) * halfLifeMs
  }

  /** True once nothing is worth remembering. */
  isForgotten(nowMs: number): boolean {
    return !this.isSuppressed(nowMs) && this.#decayed(nowMs) < this.#parameters.downPenalty / 16
  }

  #decayed(nowMs: number): number {
    return this.#penalty * 0.5 ** ((nowMs - this.#atMs) / this.#parameters.halfLifeMs)
  }
}
