import { hasOutage, type TimelineRun } from './picture/timeline-run.ts'
import type { Report } from './report.ts'
import type { Result } from './result.ts'
import { median } from './statistics.ts'

/** A report as Markdown, for a pull request: the verdict first, then figures, the rest folded away. */
export function reportMarkdown(report: Report): string {
  const { environment, kind, runs = [], results, objectives, failed, skipped, notes } = report
  const lines = [`# x0t bench ${kind}`, '', `**${verdictOf(report)}**`, '']
  if (objectives.length > 0) {
    lines.push('| objective | limit | value | met |', '|---|---|---|---|')
    for (const { name, limit, value, met } of objectives) {
      const found = value === null ? 'not measured' : figure(value)
      lines.push(`| ${code(name)} | ${figure(limit)} | ${found} | ${met ? 'yes' : '**no**'} |`)
    }
    lines.push('')
  }
  if (runs.length > 0) lines.push(...outageTable(runs), '')
  const full = [
    '| result | unit | samples | median | 95 % interval | q1–q3 | p95 | p99 | min | max |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...results.map(resultRow),
  ]
  if (results.length > 0)
    lines.push(...(runs.length > 0 ? folded(`All ${results.length} results`, full) : full), '')
  const missing = [
    ...failed.map(({ path, reason }) => `- failed: ${cell(path)}: ${cell(reason)}`),
    ...skipped.map(
      ({ path, reason, install }) =>
        `- left out: ${cell(path)}: ${cell(reason)}${install === undefined ? '' : ` (${cell(install)})`}`,
    ),
  ]
  if (missing.length > 0)
    lines.push(
      ...(missing.length > 5 ? folded(`${missing.length} paths without a figure`, missing) : missing),
      '',
    )
  const stand = [
    `${report.timestamp}, ${code(report.command)}`,
    '',
    `${cell(environment.cpu)}, ${environment.cores} cores, ${Math.round(environment.memoryMiB / 1024)} GiB, ` +
      `Linux ${cell(environment.kernel)}, TCP ${cell(environment.congestionControl)}, load before ${environment.loadBefore}`,
    '',
    Object.entries(environment.versions)
      .map(([name, version]) => cell(`${name} ${version}`))
      .join(', '),
    '',
    ...notes.map((note) => `- ${cell(note)}`),
  ]
  lines.push(...folded('How it was measured, and where', stand))
  return `${lines.join('\n')}\n`
}

/** One sentence: objectives met, paths without a figure. */
function verdictOf({ objectives, failed, skipped }: Report): string {
  const missed = objectives.filter(({ met }) => !met).length
  const parts: string[] = []
  if (objectives.length > 0)
    parts.push(
      missed === 0
        ? `✅ ${objectives.length === 1 ? 'The objective is' : `All ${objectives.length} objectives are`} met`
        : `❌ ${missed} of ${objectives.length} objectives missed`,
    )
  if (failed.length > 0) parts.push(`⚠️ ${failed.length} failed`)
  if (skipped.length > 0) parts.push(`${skipped.length} left out`)
  return parts.length === 0 ? 'Measured; no objective was set' : parts.join('; ')
}

/** Outages by fault and system: median, and the worst in brackets. */
function outageTable(runs: readonly TimelineRun[]): readonly string[] {
  const systems = [...new Set(runs.map(({ system }) => system))]
  const rows = [...Map.groupBy(runs, ({ fault }) => fault)].map(([fault, group]) => {
    const cells = systems.map((system) => outageCell(group.filter((run) => run.system === system)))
    return `| ${[cell(fault), ...cells].join(' | ')} |`
  })
  return [
    'Outage in ms: median (worst) of the runs.',
    '',
    `| fault | ${systems.map(cell).join(' | ')} |`,
    `|---|${'---|'.repeat(systems.length)}`,
    ...rows,
  ]
}

function outageCell(runs: readonly TimelineRun[]): string {
  const outagesMs = runs.filter(hasOutage).map(({ outageMs }) => outageMs)
  const stuck = runs.filter(({ outcome }) => outcome === 'not-recovered').length
  const tail = stuck === 0 ? '' : `, **${stuck} not recovered**`
  if (outagesMs.length === 0) return stuck === 0 ? '–' : tail.slice(2)
  return `${figure(median(outagesMs))} (${figure(Math.max(...outagesMs))}) of ${outagesMs.length}${tail}`
}

function resultRow(result: Result): string {
  const { name, unit, samples, ci95 } = result
  const interval = ci95 === null ? '–' : `${figure(ci95[0])}–${figure(ci95[1])}`
  const quartiles = `${figure(result.q1)}–${figure(result.q3)}`
  const rest = [result.p95, result.p99, result.min, result.max].map(figure).join(' | ')
  return `| ${cell(name)} | ${cell(unit)} | ${samples} | ${figure(result.median)} | ${interval} | ${quartiles} | ${rest} |`
}

/** Lines that a reader opens by a click. */
export function folded(summary: string, lines: readonly string[]): readonly string[] {
  return ['<details>', `<summary>${cell(summary)}</summary>`, '', ...lines, '', '</details>']
}

/** Text for a table or a list: no line breaks, no HTML, no column ends. */
export function cell(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('|', '\\|')
}

/** Text as code, also where it holds backticks; columns do not end in it. */
export function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(longest + 1)
  const pad = longest > 0 ? ' ' : ''
  return `${fence}${pad}${text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')}${pad}${fence}`
}

/** Four significant digits, without exponent; a dash where there is nothing. */
export function figure(value: number | null): string {
  if (value === null) return '–'
  if (Math.abs(value) >= 1000 || value === 0) return String(Math.round(value))
  return String(Number(value.toPrecision(4)))
}
