import type { Environment } from './environment.ts'
import { judge, type Objective, type ObjectiveOutcome } from './objective.ts'
import type { TimelineRun } from './picture/timeline-run.ts'
import type { Result } from './result.ts'

/** A path that was not measured, and why. */
export interface Skipped {
  readonly path: string
  readonly reason: string
  /** What would change it: a package to install, for example. */
  readonly install?: string
}

/** What a benchmark found: schema `x0t.bench/1`. Fields are added, never renamed. */
export interface Report {
  readonly schema: 'x0t.bench/1'
  readonly kind: string
  readonly timestamp: string
  readonly environment: Environment
  /** The command that made it. */
  readonly command: string
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  readonly results: readonly Result[]
  readonly objectives: readonly ObjectiveOutcome[]
  readonly skipped: readonly Skipped[]
  /** Paths that were tried and failed. */
  readonly failed: readonly Skipped[]
  /** How things were set up, and what the figures do not show. */
  readonly notes: readonly string[]
  /** Of a recovery benchmark: every injection that was made. */
  readonly runs?: readonly TimelineRun[]
}

/** A report, its objectives judged. */
export function makeReport(
  parts: Omit<Report, 'schema' | 'objectives'>,
  objectives: readonly Objective[],
): Report {
  return { schema: 'x0t.bench/1', ...parts, objectives: judge(objectives, parts.results) }
}
