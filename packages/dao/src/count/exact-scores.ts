import { hasCode } from '@x0t/core'
import { gcd } from '../exact/fraction.ts'
import {
  floorDivided,
  plus,
  signOfInterval,
  squared,
  times,
  type Interval,
  type Sign,
} from '../exact/interval.ts'
import { combined, RootSum } from '../exact/root-sum.ts'
import { signOf, signOfSquares } from '../exact/sign.ts'
import type { Counted } from '../methods/counted.ts'

const nothing: Interval = { low: 0n, high: 0n }

/**
 * The scores of a count, to be compared. Each comparison is a whole factor for each choice (and one for the number 1,
 * the last): first by the intervals from which the published numbers are made, then exactly. What was compared once is
 * remembered.
 */
export class ExactScores {
  readonly #sums: readonly RootSum[]
  readonly #areRoots: boolean
  readonly #intervals: readonly Interval[]
  readonly #signs = new Map<string, Sign>()

  constructor({ scores, areRoots }: Counted, scale: bigint) {
    this.#sums = [...scores, new RootSum().add(1n, 1n)]
    this.#areRoots = areRoots
    this.#intervals = this.#sums.map((sum) => {
      const interval = sum.intervalAt(scale)
      return areRoots ? squared(interval) : interval
    })
  }

  /** Sign of Σ factor·score; factors that are missing at the end are 0. @throws X0tError DAO_COUNT_TOO_HARD */
  sign(factors: readonly bigint[]): Sign {
    const quick = signOfInterval(this.#interval(factors))
    if (quick !== undefined) return quick
    const { key, isTurned, parts } = this.#normal(factors)
    let sign = this.#signs.get(key)
    if (sign === undefined) {
      sign = this.#areRoots ? signOfSquares(parts) : signOf(combined(parts))
      this.#signs.set(key, sign)
    }
    return isTurned ? ((0 - sign) as Sign) : sign
  }

  /** The order of two choices: 1 if the first has more. */
  compare(a: number, b: number): Sign {
    return this.sign(this.#sums.map((_, index) => (index === a ? 1n : index === b ? -1n : 0n)))
  }

  /** The quotient of two such sums, rounded down; `divisor` is above 0. */
  floorQuotient(factors: readonly bigint[], divisor: readonly bigint[]): bigint {
    const [over, under] = [this.#interval(factors), this.#interval(divisor)]
    if (under.low <= 0n) throw new RangeError('the divisor is not above 0 by its interval')
    let low = floorDivided(over.low, over.low < 0n ? under.low : under.high)
    let high = floorDivided(over.high, over.high < 0n ? under.high : under.low)
    while (low < high) {
      const middle = (low + high + 1n) >> 1n
      if (this.#isAtLeast(factors, middle, divisor)) low = middle
      else high = middle - 1n
    }
    return low
  }

  /** Published numbers alone come here: where the exact test is too hard they stay below, the same for everybody. */
  #isAtLeast(factors: readonly bigint[], quotient: bigint, divisor: readonly bigint[]): boolean {
    try {
      return this.sign(this.#sums.map((_, i) => (factors[i] ?? 0n) - quotient * (divisor[i] ?? 0n))) >= 0
    } catch (error) {
      if (!hasCode(error, 'DAO_COUNT_TOO_HARD')) throw error
      return false
    }
  }

  #interval(factors: readonly bigint[]): Interval {
    return this.#intervals.reduce((all, interval, i) => plus(all, times(factors[i] ?? 0n, interval)), nothing)
  }

  /** The same comparison with factors that have no common divisor, the first of them above 0. */
  #normal(factors: readonly bigint[]): {
    readonly key: string
    readonly isTurned: boolean
    readonly parts: readonly (readonly [factor: bigint, sum: RootSum])[]
  } {
    const used = this.#sums.map((sum, i): [factor: bigint, sum: RootSum] => [factors[i] ?? 0n, sum])
    const parts = used.filter(([factor, sum]) => factor !== 0n && !sum.isEmpty)
    const divisor = parts.reduce((all, [factor]) => gcd(all, factor < 0n ? -factor : factor), 0n)
    const isTurned = (parts[0]?.[0] ?? 0n) < 0n
    const scale = isTurned ? -divisor : divisor
    return {
      key: used.map(([factor, sum]) => (sum.isEmpty || factor === 0n ? 0n : factor / scale)).join(' '),
      isTurned,
      parts: parts.map(([factor, sum]) => [factor / scale, sum]),
    }
  }
}
