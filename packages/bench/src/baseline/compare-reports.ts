import { X0tError } from '@x0t/core'
import type { Report } from '../report.ts'
import type { Result } from '../result.ts'
import { median } from '../statistics.ts'
import { holm } from './holm.ts'
import { leastP, mannWhitney } from './mann-whitney.ts'
import { ruleOf } from './unit-rules.ts'

/**
 * What became of a result. `regressed`: worse, by more than the threshold and the floor, and not by chance.
 * `improved`: the same the other way. `changed`: as much, of a result with no better direction. `missing`: in the
 * baseline, not in the new run. `new`: the other way round. `same`: none of these.
 */
export type Verdict = 'regressed' | 'improved' | 'changed' | 'missing' | 'new' | 'same'

export interface Comparison {
  readonly name: string
  readonly unit: string
  /** Medians; null where there is none. */
  readonly before: number | null
  readonly after: number | null
  /** (after − before) / before; null where one is absent or before is 0. */
  readonly changeRatio: number | null
  /** Samples before and after. */
  readonly samples: readonly [before: number, after: number]
  /** Of the Mann–Whitney test, adjusted by Holm's method; null where the threshold alone decides. */
  readonly p: number | null
  /** `threshold`: too few samples for a test to find anything among so many results. */
  readonly basis: 'test' | 'threshold' | 'none'
  readonly verdict: Verdict
}

/** Schema `x0t.bench-comparison/1`. Fields are added, never renamed. */
export interface ComparisonReport {
  readonly schema: 'x0t.bench-comparison/1'
  readonly kind: string
  readonly before: { readonly timestamp: string; readonly command: string }
  readonly after: { readonly timestamp: string; readonly command: string }
  readonly thresholdRatio: number
  readonly alpha: number
  readonly correction: 'Holm'
  readonly comparisons: readonly Comparison[]
  /** What makes the two runs hard to compare. */
  readonly warnings: readonly string[]
  /** True where nothing regressed and nothing is missing. */
  readonly passed: boolean
}

export interface CompareOptions {
  /** Smallest change of a median that matters, as a share of the baseline: 0.1 by default. */
  readonly thresholdRatio?: number
  /** Chance of one false alarm among all results: 0.05 by default. */
  readonly alpha?: number
  /** Smallest changes by unit that matter, in place of the built-in ones. */
  readonly floors?: Readonly<Record<string, number>>
}

/**
 * Compares a run with a baseline, result by result, by medians and a rank test of the samples.
 * @throws X0tError BENCH_BASELINE_KIND
 */
export function compareReports(
  before: Report,
  after: Report,
  options: CompareOptions = {},
): ComparisonReport {
  const { thresholdRatio = 0.1, alpha = 0.05, floors = {} } = options
  if (before.kind !== after.kind) {
    throw new X0tError('BENCH_BASELINE_KIND', `the baseline is of ${before.kind}, the run of ${after.kind}`, {
      hint: 'keep a baseline of each kind under a name of its own: x0t bench baseline save FILE --name NAME',
    })
  }
  const pairs = pairUp(before.results, after.results)
  const both = pairs.filter((pair): pair is Both => pair.old !== undefined && pair.now !== undefined)
  const testable = both.filter(
    ({ old, now }) => leastP(old.values.length, now.values.length) * both.length <= alpha,
  )
  const adjusted = holm(testable.map(({ old, now }) => mannWhitney(old.values, now.values).p))
  const ps = new Map(testable.map((pair, at) => [pair.name, adjusted[at]!]))
  const comparisons = pairs.map((pair) => {
    const p = ps.get(pair.name) ?? null
    return { ...judge(pair, p, { thresholdRatio, alpha, floors }) }
  })
  return {
    schema: 'x0t.bench-comparison/1',
    kind: after.kind,
    before: { timestamp: before.timestamp, command: before.command },
    after: { timestamp: after.timestamp, command: after.command },
    thresholdRatio,
    alpha,
    correction: 'Holm',
    comparisons,
    warnings: differences(before, after),
    passed: comparisons.every(({ verdict }) => verdict !== 'regressed' && verdict !== 'missing'),
  }
}

interface Pair {
  readonly name: string
  readonly old: Result | undefined
  readonly now: Result | undefined
}

interface Both extends Pair {
  readonly old: Result
  readonly now: Result
}

/** Results by name and unit: a changed unit is another result. In the order of the baseline, new ones last. */
function pairUp(before: readonly Result[], after: readonly Result[]): readonly Pair[] {
  const key = ({ name, unit }: Result): string => `${name} ${unit}`
  const now = new Map(after.map((result) => [key(result), result]))
  const old = new Map(before.map((result) => [key(result), result]))
  return [...new Set([...old.keys(), ...now.keys()])].map((name) => ({
    name,
    old: old.get(name),
    now: now.get(name),
  }))
}

function judge(
  { old, now }: Pair,
  p: number | null,
  { thresholdRatio, alpha, floors }: Required<CompareOptions>,
): Comparison {
  const { name, unit } = (old ?? now)!
  const beforeMedian = old === undefined ? null : median(old.values)
  const afterMedian = now === undefined ? null : median(now.values)
  const facts = {
    name,
    unit,
    before: beforeMedian,
    after: afterMedian,
    samples: [old?.samples ?? 0, now?.samples ?? 0] as const,
  }
  if (beforeMedian === null || afterMedian === null) {
    return {
      ...facts,
      changeRatio: null,
      p: null,
      basis: 'none',
      verdict: beforeMedian === null ? 'new' : 'missing',
    }
  }
  const change = afterMedian - beforeMedian
  const changeRatio = beforeMedian === 0 ? null : change / Math.abs(beforeMedian)
  const rule = ruleOf(name, unit)
  const floor = floors[unit] ?? rule?.floor ?? 0
  // From 0 every change is infinitely large: the floor alone decides.
  const large = Math.abs(change) > floor && (changeRatio === null || Math.abs(changeRatio) > thresholdRatio)
  const real = p === null || p <= alpha
  const worse = rule?.better === 'higher' ? change < 0 : change > 0
  const verdict = !large || !real ? 'same' : rule === undefined ? 'changed' : worse ? 'regressed' : 'improved'
  return { ...facts, changeRatio, p, basis: p === null ? 'threshold' : 'test', verdict }
}

/** In words: other machines, other parameters. */
function differences(before: Report, after: Report): readonly string[] {
  const warnings: string[] = []
  const tell = (what: string, old: unknown, now: unknown): void => {
    if (old !== now) warnings.push(`${what} differs: ${String(old)} in the baseline, ${String(now)} now`)
  }
  for (const field of ['cpu', 'cores', 'kernel', 'arch'] as const)
    tell(field, before.environment[field], after.environment[field])
  for (const name of new Set([...Object.keys(before.parameters), ...Object.keys(after.parameters)]))
    tell(`parameter ${name}`, before.parameters[name] ?? 'absent', after.parameters[name] ?? 'absent')
  const busy = Math.max(before.environment.loadBefore, after.environment.loadBefore)
  if (busy > 0.5 * after.environment.cores)
    warnings.push(`the machine was busy before a run: load ${busy} on ${after.environment.cores} cores`)
  return warnings
}
