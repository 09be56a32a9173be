import { cell, code, figure, folded } from '../markdown.ts'
import type { Comparison, ComparisonReport, Verdict } from './compare-reports.ts'

/** Results that a reader must see, worst first. */
const shown: readonly Verdict[] = ['regressed', 'missing', 'changed', 'improved', 'new']

/** A comparison as Markdown, for a pull request: what changed first, the rest folded away. */
export function comparisonMarkdown(report: ComparisonReport): string {
  const { comparisons, warnings, passed, before } = report
  const of = (verdict: Verdict): readonly Comparison[] => comparisons.filter((one) => one.verdict === verdict)
  const counts = [...shown, 'same' as const]
    .map((verdict) => [of(verdict).length, verdict] as const)
    .filter(([count]) => count > 0)
    .map(([count, verdict]) => `${count} ${verdict}`)
  const lines = [
    '# Compared with the baseline',
    '',
    `**${passed ? '✅ No regression' : '❌ Regression'}: ${counts.join(', ') || 'nothing to compare'}**`,
    '',
    ...warnings.map((warning) => `- ⚠️ ${cell(warning)}`),
    ...(warnings.length > 0 ? [''] : []),
  ]
  const moved = shown.flatMap(of)
  if (moved.length > 0) lines.push(...table(moved), '')
  if (of('same').length > 0) lines.push(...folded(`${of('same').length} unchanged`, table(of('same'))), '')
  lines.push(`Baseline of ${before.timestamp}, ${code(before.command)}. ${methodOf(report)}`)
  return `${lines.join('\n')}\n`
}

/** How it was decided, in a sentence. */
export function methodOf({ thresholdRatio, alpha }: ComparisonReport): string {
  return (
    `A change counts if the median moved by more than ${figure(thresholdRatio * 100)} % and more than the floor of its unit, and a ` +
    `Mann–Whitney test finds it (two-sided, Holm's correction for the number of results, ${alpha}); where samples are too ` +
    'few for any test to find something, the threshold alone decides.'
  )
}

function table(rows: readonly Comparison[]): readonly string[] {
  return [
    '| result | unit | baseline | now | change | p | verdict |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(({ name, unit, before, after, changeRatio, p, verdict }) => {
      const bold = verdict === 'regressed' || verdict === 'missing' ? `**${verdict}**` : verdict
      return `| ${cell(name)} | ${cell(unit)} | ${figure(before)} | ${figure(after)} | ${changeText(changeRatio)} | ${pText(p)} | ${bold} |`
    }),
  ]
}

/** `+12 %`. */
export function changeText(ratio: number | null): string {
  if (ratio === null) return '–'
  const percent = ratio * 100
  return `${percent > 0 ? '+' : ''}${percent.toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`
}

/** A p-value; a dash where there was no test. */
export function pText(p: number | null): string {
  if (p === null) return '–'
  return p < 0.0001 ? '<0.0001' : String(Number(p.toPrecision(2)))
}
