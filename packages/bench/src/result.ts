import { ascending, bootstrapMedian, leastForPercentiles, quantile, type Interval } from './statistics.ts'

/** One measured quantity. Percentiles are null below 30 samples. */
export interface Result {
  /** Quantity and path, like `tcp/x0t`. */
  readonly name: string
  readonly unit: string
  /** Number of samples. */
  readonly samples: number
  readonly median: number
  readonly p95: number | null
  readonly p99: number | null
  readonly min: number
  readonly max: number
  /** Quartiles. */
  readonly q1: number
  readonly q3: number
  /** 95 % confidence interval of the median, by bootstrap; null below 3 samples. */
  readonly ci95: Interval | null
  /** The samples in the order they were taken; an even choice of them where there were very many. */
  readonly values: readonly number[]
}

/** More samples than this are resampled from an even choice of them: the interval is as good, the wait shorter. */
const mostForBootstrap = 2000

/**
 * Sums up the samples of one quantity.
 * @throws RangeError if there are none, or one is not a finite number
 */
export function summarize(name: string, unit: string, values: readonly number[]): Result {
  if (values.length === 0) throw new RangeError(`${name} has no samples`)
  if (!values.every(Number.isFinite)) throw new RangeError(`${name} has a sample that is no finite number`)
  const sorted = values.toSorted(ascending)
  const enough = values.length >= leastForPercentiles
  const stride = Math.ceil(values.length / mostForBootstrap)
  return {
    name,
    unit,
    samples: values.length,
    median: quantile(sorted, 0.5),
    p95: enough ? quantile(sorted, 0.95) : null,
    p99: enough ? quantile(sorted, 0.99) : null,
    min: sorted[0]!,
    max: sorted.at(-1)!,
    q1: quantile(sorted, 0.25),
    q3: quantile(sorted, 0.75),
    ci95:
      values.length < 3
        ? null
        : bootstrapMedian(stride === 1 ? values : sorted.filter((_, at) => at % stride === 0)),
    values,
  }
}

/**
 * The same result with at most `most` of its values, an even choice in the order they were taken: a report of
 * a million requests must not weigh megabytes. All else is as of all samples.
 */
export function thinned(result: Result, most: number): Result {
  const stride = Math.ceil(result.values.length / most)
  return stride <= 1 ? result : { ...result, values: result.values.filter((_, at) => at % stride === 0) }
}

/** Collects samples by name and sums them up in the order of their first appearance. */
export interface SampleBook {
  add(name: string, unit: string, ...values: readonly number[]): void
  results(): readonly Result[]
}

export function sampleBook(): SampleBook {
  const book = new Map<string, { readonly unit: string; readonly values: number[] }>()
  return {
    add(name, unit, ...values) {
      const entry = book.get(name) ?? { unit, values: [] }
      book.set(name, entry)
      for (const value of values) entry.values.push(value)
    },
    results: () =>
      [...book]
        .filter(([, { values }]) => values.length > 0)
        .map(([name, { unit, values }]) => summarize(name, unit, values)),
  }
}
