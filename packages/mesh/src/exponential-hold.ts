import { holdQuietFactor, type HoldParameters } from './parameters.ts'

/**
 * Spaces out work that bursts of events ask for: the first run comes after `initialMs`, each further one after
 * twice the pause before it, up to `maxMs`; a quiet time of 2 · `maxMs` forgets the burst
 * (the idea of RFC 8405, with a doubling pause in place of its three states).
 */
export class ExponentialHold {
  readonly #parameters: HoldParameters
  #lastRunMs = -Infinity
  #pauseMs: number
  /** When the work is due; Infinity while none is asked for. */
  dueMs = Infinity

  constructor(parameters: HoldParameters) {
    this.#parameters = parameters
    this.#pauseMs = parameters.incrementMs
  }

  /** Asks for a run, at the earliest after `delayMs`; an earlier wish stands. */
  request(nowMs: number, delayMs = this.#parameters.initialMs): void {
    const { incrementMs, maxMs } = this.#parameters
    if (nowMs - this.#lastRunMs > holdQuietFactor * maxMs) this.#pauseMs = incrementMs
    this.dueMs = Math.min(this.dueMs, Math.max(nowMs + delayMs, this.#lastRunMs + this.#pauseMs))
  }

  /** Asks for a run now, whatever the pause. */
  urge(nowMs: number): void {
    this.dueMs = Math.min(this.dueMs, nowMs)
  }

  /** Says that the work was done; `counted` false leaves the pause as it is. */
  ran(nowMs: number): void {
    const { incrementMs, maxMs } = this.#parameters
    const quiet = nowMs - this.#lastRunMs > holdQuietFactor * maxMs
    this.#pauseMs = quiet ? incrementMs : Math.min(this.#pauseMs * 2, maxMs)
    this.#lastRunMs = nowMs
    this.dueMs = Infinity
  }
}
