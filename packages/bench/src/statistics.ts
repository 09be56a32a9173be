import { seededRandom } from './seeded-random.ts'

/** Fewest samples from which a 95th or 99th percentile is worth printing. */
export const leastForPercentiles = 30

/**
 * Quantile by linear interpolation between order statistics (Hyndman and Fan 1996, type 7).
 * @param sorted values in ascending order, at least one
 * @param q from 0 to 1
 * @throws RangeError on no values or a `q` outside [0, 1]
 */
export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) throw new RangeError('a quantile needs at least one value')
  if (!(q >= 0 && q <= 1)) throw new RangeError(`a quantile lies in [0, 1], not at ${q}`)
  const h = (sorted.length - 1) * q
  const below = Math.floor(h)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  return low + (h - below) * (high - low)
}

/** Median of values in any order. @throws RangeError on no values */
export function median(values: readonly number[]): number {
  return quantile(values.toSorted(ascending), 0.5)
}

/** A 95 % confidence interval. */
export type Interval = readonly [low: number, high: number]

/**
 * 95 % confidence interval of the median by the percentile bootstrap (Efron and Tibshirani 1993, §13.3).
 * Seeded, so that a report can be recomputed from its values.
 */
export function bootstrapMedian(values: readonly number[], { resamples = 1000, seed = 1 } = {}): Interval {
  const random = seededRandom(seed)
  const { length } = values
  const medians = Array.from({ length: resamples }, () =>
    median(Array.from({ length }, () => values[Math.floor(random() * length)]!)),
  ).toSorted(ascending)
  return [quantile(medians, 0.025), quantile(medians, 0.975)]
}

/** Slope of the least-squares line through points (x, y), in units of y per unit of x; 0 where all x are equal. */
export function leastSquaresSlope(points: readonly (readonly [x: number, y: number])[]): number {
  const count = points.length
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count
  let above = 0
  let below = 0
  for (const [x, y] of points) {
    above += (x - meanX) * (y - meanY)
    below += (x - meanX) ** 2
  }
  return below === 0 ? 0 : above / below
}

/** Order of numbers, for sorting. */
export function ascending(a: number, b: number): number {
  return a - b
}
