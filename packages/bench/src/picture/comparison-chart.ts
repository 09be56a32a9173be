import { ascending, median, quantile } from '../statistics.ts'
import { colourOf, margin, pageWidth, px, svgLine, svgRect, svgText, type Panel } from './svg-page.ts'
import { logAxis, timeText } from './time-axis.ts'
import { hasOutage, type TimelineRun } from './timeline-run.ts'

const chartLeft = 204
const chartRight = pageWidth - margin - 256
const rowHeight = 20
const faultGap = 20

/** Outages of all systems under all faults on one logarithmic axis: every run a dot, quartiles a bar, the median a line. */
export function comparisonChart(runs: readonly TimelineRun[]): Panel {
  const counted = runs.filter(hasOutage)
  const longestMs = Math.max(1, ...counted.map(({ outageMs }) => outageMs))
  const intervalMs = Math.min(1, ...counted.map((run) => run.intervalMs))
  const axis = logAxis(intervalMs, longestMs, { left: chartLeft, right: chartRight })
  const rows: string[] = []
  const top = 12
  let y = top
  for (const [fault, group] of Map.groupBy(runs, (run) => run.fault)) {
    rows.push(svgText(margin, y + 13, fault, { size: 'name' }))
    const systems = [...Map.groupBy(group, ({ system }) => system)]
      .map(([system, all]) => ({
        system,
        all,
        outagesMs: all.filter(hasOutage).map(({ outageMs }) => outageMs),
      }))
      .toSorted((a, b) => middle(a.outagesMs) - middle(b.outagesMs) || a.system.localeCompare(b.system))
    y += 22
    for (const { system, all, outagesMs } of systems) {
      rows.push(...systemRow(system, outagesMs.toSorted(ascending), all, (ms) => axis.at(ms), y))
      y += rowHeight
    }
    y += faultGap
  }
  const bottom = y - faultGap + 6
  const grid = axis.ticks.flatMap(({ ms, label }) => {
    const x = axis.at(ms)
    const line = svgLine(label === undefined ? 'minor' : 'grid', x, top, x, bottom)
    return label === undefined
      ? [line]
      : [line, svgText(x, bottom + 16, label, { size: 'tiny', tone: 'soft', anchor: 'middle' })]
  })
  const foot = svgText(chartLeft, bottom + 34, 'outage, logarithmic; 0: nothing was missing', {
    size: 'tiny',
    tone: 'soft',
  })
  return { height: bottom + 46, parts: [...grid, ...rows, foot] }
}

function middle(outagesMs: readonly number[]): number {
  return outagesMs.length === 0 ? Infinity : median(outagesMs)
}

function systemRow(
  system: string,
  sorted: readonly number[],
  all: readonly TimelineRun[],
  at: (ms: number) => number,
  top: number,
): readonly string[] {
  const colour = colourOf(system)
  const y = top + rowHeight / 2
  const parts = [svgText(margin + 14, y + 4, system, { tone: colour })]
  const unrecovered = all.filter(({ outcome }) => outcome === 'not-recovered').length
  const told: string[] = []
  if (sorted.length > 0) {
    const [q1, middleMs, q3, worstMs] = [
      quantile(sorted, 0.25),
      quantile(sorted, 0.5),
      quantile(sorted, 0.75),
      sorted.at(-1)!,
    ]
    parts.push(
      `<g class="${colour}" fill-opacity="0.35">`,
      ...sorted.map((ms) => `<circle cx="${px(at(ms))}" cy="${px(y)}" r="3"/>`),
      svgRect(colour, at(q1), y - 4, Math.max(at(q3) - at(q1), 1), 8, 2),
      '</g>',
      svgRect(colour, at(middleMs) - 1.5, y - 8, 3, 16, 1),
    )
    told.push(worstMs === 0 ? 'no outage' : `median ${timeText(middleMs)}, worst ${timeText(worstMs)}`)
  }
  if (unrecovered > 0) told.push(`${unrecovered} not recovered`)
  if (told.length === 0) told.push('not measured')
  parts.push(svgText(chartRight + 16, y + 4, told.join(', ')))
  return parts
}
