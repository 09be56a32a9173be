import { changeText, methodOf, pText, type Comparison, type ComparisonReport } from '@x0t/bench'
import { shortFigure } from './bench.ts'
import { safe } from './node.ts'
import { columns } from './table.ts'

/** Results of two runs beside each other, in the order of the baseline. */
export function comparisonView(report: ComparisonReport): string {
  const { comparisons, before } = report
  const counts = [...Map.groupBy(comparisons, ({ verdict }) => verdict)]
    .map(([verdict, { length }]) => `${length} ${verdict}`)
    .join(', ')
  return [
    columns(['RESULT', 'UNIT', 'BASELINE', 'NOW', 'CHANGE', 'P', 'SAMPLES', 'VERDICT'], comparisons.map(row)),
    `${counts || 'nothing to compare'}; baseline of ${before.timestamp}`,
    methodOf(report),
  ].join('\n\n')
}

function row({ name, unit, before, after, changeRatio, p, samples, verdict }: Comparison): readonly string[] {
  const loud = verdict === 'regressed' || verdict === 'missing' ? verdict.toUpperCase() : verdict
  return [
    safe(name),
    safe(unit),
    shortFigure(before),
    shortFigure(after),
    changeText(changeRatio),
    pText(p),
    samples.join('/'),
    loud,
  ]
}
