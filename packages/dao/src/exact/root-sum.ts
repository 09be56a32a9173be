import { ceilDivided, floorDivided, type Interval } from './interval.ts'
import { integerRoot } from './integer-root.ts'

/** A whole number under a root, with its root at the scale that was last asked for: it is calculated once. */
export class Radicand {
  readonly value: bigint
  #scale = 0n
  #floor = 0n
  #ceiling = 0n

  constructor(value: bigint) {
    this.value = value
  }

  /** ⌊√value · scale⌋ */
  floorAt(scale: bigint): bigint {
    if (scale !== this.#scale) this.#calculate(scale)
    return this.#floor
  }

  /** ⌈√value · scale⌉ */
  ceilingAt(scale: bigint): bigint {
    if (scale !== this.#scale) this.#calculate(scale)
    return this.#ceiling
  }

  #calculate(scale: bigint): void {
    const square = this.value * scale * scale
    this.#scale = scale
    this.#floor = integerRoot(square)
    this.#ceiling = this.#floor * this.#floor === square ? this.#floor : this.#floor + 1n
  }
}

/**
 * A real number as an exact sum Σ (n/d)·√r of rational multiples of roots of whole numbers: the score of a choice, in
 * every method. A fraction n/d is (n/d)·√1; √(p/q) is (1/q)·√(p·q).
 */
export class RootSum {
  /** Fractions by denominator. */
  readonly #fractions = new Map<bigint, bigint>()
  #whole = 0n
  readonly #terms: (readonly [n: bigint, r: Radicand, d: bigint])[] = []

  /** Adds (n/d)·√r. `d` is at least 1, `r` at least 0; a radicand that is used often is given as such. */
  add(n: bigint, r: bigint | Radicand, d = 1n): this {
    const value = typeof r === 'bigint' ? r : r.value
    if (n === 0n || value === 0n) return this
    if (value !== 1n) this.#terms.push([n, typeof r === 'bigint' ? new Radicand(r) : r, d])
    else if (d === 1n) this.#whole += n
    else this.#fractions.set(d, (this.#fractions.get(d) ?? 0n) + n)
    return this
  }

  /** True if there are no terms. A sum whose terms cancel each other is zero as well: {@link signOf} tells. */
  get isEmpty(): boolean {
    return (
      this.#whole === 0n && this.#terms.length === 0 && [...this.#fractions.values()].every((n) => n === 0n)
    )
  }

  /** n, r and d of each term. */
  *[Symbol.iterator](): Iterator<readonly [n: bigint, r: Radicand, d: bigint]> {
    if (this.#whole !== 0n) yield [this.#whole, one, 1n]
    for (const [d, n] of this.#fractions) if (n !== 0n) yield [n, one, d]
    yield* this.#terms
  }

  /** Where the sum is, in units of one over `scale`; exact where every root is whole. */
  intervalAt(scale: bigint): Interval {
    let low = this.#whole * scale
    let high = low
    for (const [d, n] of this.#fractions) {
      low += floorDivided(n * scale, d)
      high += ceilDivided(n * scale, d)
    }
    for (const [n, r, d] of this.#terms) {
      const [floor, ceiling] = [r.floorAt(scale), r.ceilingAt(scale)]
      const [least, most] = n > 0n ? [n * floor, n * ceiling] : [n * ceiling, n * floor]
      low += d === 1n ? least : floorDivided(least, d)
      high += d === 1n ? most : ceilDivided(most, d)
    }
    return { low, high }
  }
}

const one = new Radicand(1n)

/** Sum of factors times sums, as one sum in which equal radicands are one term and terms that cancel are gone. */
export function combined(parts: readonly (readonly [factor: bigint, sum: RootSum])[]): RootSum {
  const byDenominator = new Map<bigint, Map<bigint, { r: Radicand; n: bigint }>>()
  for (const [factor, sum] of parts) {
    for (const [n, r, d] of sum) {
      let byRadicand = byDenominator.get(d)
      if (!byRadicand) byDenominator.set(d, (byRadicand = new Map()))
      const term = byRadicand.get(r.value)
      if (term) term.n += factor * n
      else byRadicand.set(r.value, { r, n: factor * n })
    }
  }
  const all = new RootSum()
  for (const [d, byRadicand] of byDenominator) for (const { r, n } of byRadicand.values()) all.add(n, r, d)
  return all
}
