import { X0tError } from '@x0t/core'
import type { Result } from './result.ts'

/** What a run must show: a statistic of a result against a number or the same statistic of another result. */
export interface Objective {
  readonly text: string
  readonly result: string
  readonly statistic: Statistic
  readonly comparison: '>=' | '<='
  /** A number, or the name of a result of the same run. */
  readonly bound: number | string
}

/** An objective held against a run. `value` and `limit` are null where the run did not measure them. */
export interface ObjectiveOutcome {
  readonly name: string
  readonly limit: number | null
  readonly value: number | null
  readonly met: boolean
}

const statistics = ['median', 'p95', 'p99', 'min', 'max', 'q1', 'q3'] as const
type Statistic = (typeof statistics)[number]

/**
 * Parses `tcp/x0t>=2000`, `rtt-loaded/x0t:p99<=5` or `tcp/x0t>=tcp/yggdrasil`; the statistic is the median unless
 * named after a colon.
 * @throws X0tError BENCH_OBJECTIVE_INVALID
 */
export function parseObjective(text: string): Objective {
  const match = /^([a-z0-9][a-z0-9/.@-]*)(?::([a-z0-9]+))?\s*(>=|<=)\s*([a-z0-9][a-z0-9/.@-]*)$/i.exec(
    text.trim(),
  )
  const statistic = (match?.[2] ?? 'median') as Statistic
  if (match === null || !statistics.includes(statistic)) {
    throw new X0tError('BENCH_OBJECTIVE_INVALID', `not an objective: ${JSON.stringify(text.slice(0, 80))}`, {
      exitCode: 2,
      hint: `NAME[:STATISTIC]>=VALUE, like tcp/x0t>=2000; statistics: ${statistics.join(', ')}`,
    })
  }
  const bound = match[4]!
  const number = Number(bound)
  return {
    text,
    result: match[1]!,
    statistic,
    comparison: match[3] as Objective['comparison'],
    bound: Number.isFinite(number) ? number : bound,
  }
}

/** Holds objectives against results. What was not measured is not met: a missing figure must not pass a gate. */
export function judge(
  objectives: readonly Objective[],
  results: readonly Result[],
): readonly ObjectiveOutcome[] {
  return objectives.map(({ text, result, statistic, comparison, bound }) => {
    const of = (name: string): number | null => results.find((one) => one.name === name)?.[statistic] ?? null
    const value = of(result)
    const limit = typeof bound === 'number' ? bound : of(bound)
    const met = value !== null && limit !== null && (comparison === '>=' ? value >= limit : value <= limit)
    return { name: text, limit, value, met }
  })
}
