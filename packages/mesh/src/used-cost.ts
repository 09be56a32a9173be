import { linkCostUs, type LinkMeasurement } from './link-metric.ts'
import type { MetricParameters } from './parameters.ts'

/**
 * The cost in use of a link: follows what is measured with hysteresis, so that noise neither floods nor re-routes.
 * Bad news is taken at once where it matters: a cost that rose by loss, and one that rose by `urgentUs`. A smaller rise
 * may be a host that was busy for a moment: it has to hold for `riseMs`, and then the least of it is used. Good news has
 * to hold, too: a lower cost is used after `calmMs` in which every measurement was lower, and then the highest of these,
 * so a link that loses now and then keeps its cost.
 */
export class UsedCost {
  readonly #parameters: MetricParameters
  #us: number
  /** Loss that the cost in use contains. */
  #lossRatio: number
  #sinceMs: number
  /** Since when the measurements were higher, and the lowest of them. */
  #worse: { readonly sinceMs: number; readonly us: number } | undefined
  /** Since when the measurements were lower, and the highest of them. */
  #calm: { readonly sinceMs: number; readonly us: number; readonly lossRatio: number } | undefined

  /** @param sinceMs −Infinity for a guess, which the first measurement corrects at once */
  constructor(measurement: LinkMeasurement, sinceMs: number, parameters: MetricParameters) {
    this.#parameters = parameters
    this.#us = linkCostUs(measurement, parameters)
    this.#lossRatio = measurement.lossRatio
    this.#sinceMs = sinceMs
  }

  get us(): number {
    return this.#us
  }

  /** Takes a measurement; true if the cost in use changed. */
  measure(measurement: LinkMeasurement, nowMs: number): boolean {
    const us = linkCostUs(measurement, this.#parameters)
    const { lossRatio } = measurement
    if (this.#sinceMs === -Infinity) {
      const hasChanged = us !== this.#us
      this.#use(us, lossRatio, nowMs)
      return hasChanged
    }
    if (us > this.#us) return this.#rise(us, measurement, nowMs)
    this.#worse = undefined
    if (!this.#differs(us)) {
      this.#calm = undefined
      return false
    }
    this.#calm ??= { sinceMs: nowMs, us, lossRatio }
    if (us > this.#calm.us) this.#calm = { ...this.#calm, us, lossRatio }
    if (nowMs - this.#calm.sinceMs < this.#parameters.calmMs) return false
    this.#use(this.#calm.us, this.#calm.lossRatio, nowMs)
    return true
  }

  /** The link is another now: the next measurement is used at once. */
  restart(): void {
    this.#sinceMs = -Infinity
  }

  #rise(us: number, measurement: LinkMeasurement, nowMs: number): boolean {
    this.#calm = undefined
    if (!this.#differs(us)) {
      this.#worse = undefined
      return false
    }
    const { lossRatio } = measurement
    const withoutNewLoss = linkCostUs(
      { ...measurement, lossRatio: Math.min(lossRatio, this.#lossRatio) },
      this.#parameters,
    )
    const isByLoss = this.#differs(this.#us + us - withoutNewLoss)
    const { urgentUs, riseMs, minIntervalMs } = this.#parameters
    if (isByLoss || us - this.#us >= urgentUs) {
      this.#use(us, lossRatio, nowMs)
      return true
    }
    this.#worse = { sinceMs: this.#worse?.sinceMs ?? nowMs, us: Math.min(us, this.#worse?.us ?? us) }
    if (nowMs - this.#worse.sinceMs < riseMs || nowMs - this.#sinceMs < minIntervalMs) return false
    this.#use(this.#worse.us, lossRatio, nowMs)
    return true
  }

  #use(us: number, lossRatio: number, nowMs: number): void {
    this.#us = us
    this.#lossRatio = lossRatio
    this.#sinceMs = nowMs
    this.#calm = undefined
    this.#worse = undefined
  }

  #differs(us: number): boolean {
    const { changeUs, changeRatio } = this.#parameters
    const differenceUs = Math.abs(us - this.#us)
    return differenceUs >= changeUs && differenceUs >= this.#us * changeRatio
  }
}
