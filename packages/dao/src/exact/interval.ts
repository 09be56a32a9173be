/** Where a real number is, in units of one over some scale: `low` ≤ number · scale ≤ `high`. */
export interface Interval {
  readonly low: bigint
  readonly high: bigint
}

export function plus(a: Interval, b: Interval): Interval {
  return { low: a.low + b.low, high: a.high + b.high }
}

export function times(factor: bigint, { low, high }: Interval): Interval {
  return factor >= 0n
    ? { low: factor * low, high: factor * high }
    : { low: factor * high, high: factor * low }
}

/** Squares of numbers that are at least 0; the scale becomes its square. */
export function squared({ low, high }: Interval): Interval {
  const from = low > 0n ? low : 0n
  return { low: from * from, high: high * high }
}

/** 1, −1 or 0 if the interval tells; undefined if it holds 0 and more. */
export function signOfInterval({ low, high }: Interval): Sign | undefined {
  if (low > 0n) return 1
  if (high < 0n) return -1
  return low === 0n && high === 0n ? 0 : undefined
}

export type Sign = -1 | 0 | 1

/** The quotient rounded down, also below 0. `divisor` is at least 1. */
export function floorDivided(n: bigint, divisor: bigint): bigint {
  return n >= 0n ? n / divisor : -((-n + divisor - 1n) / divisor)
}

/** The quotient rounded up, also below 0. `divisor` is at least 1. */
export function ceilDivided(n: bigint, divisor: bigint): bigint {
  return -floorDivided(-n, divisor)
}
