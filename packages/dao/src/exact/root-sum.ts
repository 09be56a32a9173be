import { ceilDivided, floorDivided, type Interval } from './interval.ts'
import { integerRoot } from './integer-root.ts'

/**
 * A real number as an exact sum Σ (n/d)·√r of rational multiples of roots of whole numbers: the score of a choice, in
 * every method. Kept by denominator, then by radicand, so that equal roots are one term: `terms.get(d).get(r)` is n.
 * A whole number k is k·√1; √(p/q) is (1/q)·√(p·q).
 */
export class RootSum {
  readonly terms = new Map<bigint, Map<bigint, bigint>>()

  /** Adds (n/d)·√r. `d` is at least 1, `r` at least 0. */
  add(n: bigint, r: bigint, d = 1n): this {
    if (n === 0n || r === 0n) return this
    let byRadicand = this.terms.get(d)
    if (!byRadicand) this.terms.set(d, (byRadicand = new Map()))
    const sum = (byRadicand.get(r) ?? 0n) + n
    if (sum === 0n) byRadicand.delete(r)
    else byRadicand.set(r, sum)
    return this
  }

  /** True if no term is left. A sum of terms that cancel each other without being alike is zero as well. */
  get isZero(): boolean {
    for (const byRadicand of this.terms.values()) if (byRadicand.size > 0) return false
    return true
  }

  /** Adds `factor` times another sum. */
  addSum(other: RootSum, factor = 1n): this {
    for (const [n, r, d] of other) this.add(factor * n, r, d)
    return this
  }

  /** n, r and d of each term; no n is 0. */
  *[Symbol.iterator](): Iterator<readonly [n: bigint, r: bigint, d: bigint]> {
    for (const [d, byRadicand] of this.terms) for (const [r, n] of byRadicand) yield [n, r, d]
  }
}

/** Sum of factors times sums, as one sum. */
export function combined(parts: readonly (readonly [factor: bigint, sum: RootSum])[]): RootSum {
  const sum = new RootSum()
  for (const [factor, part] of parts) sum.addSum(part, factor)
  return sum
}

/** Roots of whole numbers at one scale, each calculated once: ⌊√r · scale⌋. */
export class RootTable {
  readonly scale: bigint
  readonly #roots = new Map<bigint, bigint>()

  constructor(scale: bigint) {
    this.scale = scale
  }

  rootOf(r: bigint): bigint {
    let root = this.#roots.get(r)
    if (root === undefined) this.#roots.set(r, (root = integerRoot(r * this.scale * this.scale)))
    return root
  }
}

/** Where the sum is, in units of one over the scale of `roots`; exact where every root is whole. */
export function intervalOf(sum: RootSum, roots: RootTable): Interval {
  const { scale } = roots
  let [low, high] = [0n, 0n]
  for (const [d, byRadicand] of sum.terms) {
    let [from, to] = [0n, 0n]
    for (const [r, n] of byRadicand) {
      const root = roots.rootOf(r)
      const above = r === 1n || root * root === r * scale * scale ? root : root + 1n
      from += n > 0n ? n * root : n * above
      to += n > 0n ? n * above : n * root
    }
    low += d === 1n ? from : floorDivided(from, d)
    high += d === 1n ? to : ceilDivided(to, d)
  }
  return { low, high }
}
