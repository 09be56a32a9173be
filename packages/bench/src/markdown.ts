import type { Report } from './report.ts'
import type { Result } from './result.ts'

/** A report as Markdown, for a repository or an issue. */
export function reportMarkdown(report: Report): string {
  const { environment } = report
  const lines = [
    `# x0t bench ${report.kind}`,
    '',
    `${report.timestamp}, \`${report.command}\`  `,
    `${environment.cpu}, ${environment.cores} cores, ${Math.round(environment.memoryMiB / 1024)} GiB, ` +
      `Linux ${environment.kernel}, TCP ${environment.congestionControl}  `,
    Object.entries(environment.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    '',
    '| result | unit | samples | median | 95 % interval | q1–q3 | p95 | p99 | min | max |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...report.results.map(resultRow),
  ]
  if (report.objectives.length > 0) {
    lines.push('', '| objective | limit | value | met |', '|---|---|---|---|')
    for (const { name, limit, value, met } of report.objectives)
      lines.push(`| \`${name}\` | ${figure(limit)} | ${figure(value)} | ${met ? 'yes' : '**no**'} |`)
  }
  for (const { path, reason, install } of [...report.skipped, ...report.failed])
    lines.push('', `Not measured: ${path}: ${reason}${install === undefined ? '' : ` (${install})`}`)
  lines.push('', ...report.notes.map((note) => `- ${note}`))
  return `${lines.join('\n')}\n`
}

function resultRow(result: Result): string {
  const { name, unit, samples, ci95 } = result
  const interval = ci95 === null ? '–' : `${figure(ci95[0])}–${figure(ci95[1])}`
  const quartiles = `${figure(result.q1)}–${figure(result.q3)}`
  const rest = [result.p95, result.p99, result.min, result.max].map(figure).join(' | ')
  return `| ${name} | ${unit} | ${samples} | ${figure(result.median)} | ${interval} | ${quartiles} | ${rest} |`
}

/** Four significant digits, without exponent; a dash where there is nothing. */
export function figure(value: number | null): string {
  if (value === null) return '–'
  if (Math.abs(value) >= 1000 || value === 0) return String(Math.round(value))
  return String(Number(value.toPrecision(4)))
}
