import type { Report, TimelineRun } from '@x0t/bench'
import { columns } from './table.ts'

/** The figures of a report as columns; below 30 samples there are no percentiles. */
export function reportView(report: Report): string {
  const parts = [
    columns(
      ['RESULT', 'UNIT', 'SAMPLES', 'MEDIAN', '95 % CI', 'Q1', 'Q3', 'P95', 'P99', 'MIN', 'MAX'],
      report.results.map((one) => [
        one.name,
        one.unit,
        String(one.samples),
        shortFigure(one.median),
        one.ci95 === null ? '-' : one.ci95.map(shortFigure).join('–'),
        ...[one.q1, one.q3, one.p95, one.p99, one.min, one.max].map(shortFigure),
      ]),
    ),
  ]
  if ('url' in report.parameters && report.runs !== undefined) parts.push(iterations(report.runs))
  if (report.objectives.length > 0) {
    parts.push(
      columns(
        ['OBJECTIVE', 'LIMIT', 'VALUE', 'MET'],
        report.objectives.map((one) => [
          one.name,
          shortFigure(one.limit),
          one.value === null ? 'not measured' : shortFigure(one.value),
          one.met ? 'yes' : 'NO',
        ]),
      ),
    )
  }
  const missing = [...report.skipped, ...report.failed]
  if (missing.length > 0)
    parts.push(missing.map(({ path, reason }) => `not measured: ${path}: ${reason}`).join('\n'))
  const { cpu, cores, kernel } = report.environment
  parts.push(`${cpu}, ${cores} cores, Linux ${kernel}\n${report.notes.map((note) => `- ${note}`).join('\n')}`)
  return parts.join('\n\n')
}

/** Every injection into an HTTP service. */
function iterations(runs: readonly TimelineRun[]): string {
  return columns(
    ['ITERATION', 'OUTCOME', 'OUTAGE ms', 'RECOVERY ms', 'LOST', 'OF'],
    runs.map(({ run, outcome, outageMs, recoveryMs, lost, sent }) => [
      String(run),
      outcome,
      outcome === 'not-recovered' ? `> ${shortFigure(outageMs)}` : shortFigure(outageMs),
      shortFigure(recoveryMs ?? null),
      String(lost),
      String(sent),
    ]),
  )
}

/** Four significant digits without exponent; a dash where there is nothing. */
export function shortFigure(value: number | null): string {
  if (value === null) return '-'
  if (Math.abs(value) >= 1000 || value === 0) return String(Math.round(value))
  return String(Number(value.toPrecision(4)))
}
