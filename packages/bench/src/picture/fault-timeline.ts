import { median } from '../statistics.ts'
import { gapBars, type TimeSpan } from './gap-bars.ts'
import {
  colourOf,
  margin,
  pageWidth,
  px,
  svgLine,
  svgRect,
  svgText,
  type Panel,
  type StreamWords,
} from './svg-page.ts'
import { escapeXml } from '../formats/xml.ts'
import { linearAxis, logAxis, timeText, type TimeAxis } from './time-axis.ts'
import { hasOutage, type TimelineRun } from './timeline-run.ts'

const chartLeft = 204
const chartRight = pageWidth - margin
/** More runs of a system than this are thinned out; the best, the median and the worst stay. */
const mostRows = 60
/** Systems whose worst outages differ by more than this share a logarithmic axis. */
const mostLinearRatio = 12
const systemGap = 26

/**
 * What became of the stream around an injection: a row for each run, shortest outage first, systems below each other
 * in the order of their medians, on one axis of time.
 */
export function faultTimeline(runs: readonly TimelineRun[], words: StreamWords): Panel {
  const systems = bySystem(runs)
  const axis = axisOf(
    systems.flatMap(({ rows }) => rows),
    systems,
  )
  const parts: string[] = []
  const top = 30
  let y = top
  const blocks: string[] = []
  for (const system of systems) {
    const block = systemBlock(system, axis, y, words)
    blocks.push(...block.parts)
    y += block.height + systemGap
  }
  const bottom = y - systemGap + 8
  for (const { ms, label } of axis.ticks) {
    const x = axis.at(ms)
    parts.push(svgLine(label === undefined ? 'minor' : 'grid', x, top - 8, x, bottom))
    if (label !== undefined)
      parts.push(svgText(x, bottom + 16, label, { size: 'tiny', tone: 'soft', anchor: 'middle' }))
  }
  parts.push(...blocks)
  const zero = axis.at(0)
  parts.push(svgLine('inject', zero, top - 12, zero, bottom))
  parts.push(
    svgText(zero, top - 17, words.origin, {
      size: 'tiny',
      anchor: axis.kind === 'log' ? 'middle' : 'start',
    }),
  )
  const since = `time since the ${words.origin === 'fault lifted' ? 'lifting' : 'injection'}`
  const unit = axis.kind === 'log' ? `${since}, logarithmic` : since
  parts.push(svgText(chartRight, bottom + 34, unit, { size: 'tiny', tone: 'soft', anchor: 'end' }))
  parts.push(...legend(systems, axis, bottom + 54, words))
  return { height: bottom + 66, parts }
}

interface SystemRuns {
  readonly system: string
  /** What is drawn, shortest outage first; what did not recover comes last. */
  readonly rows: readonly TimelineRun[]
  /** Outages of the runs that count. */
  readonly outagesMs: readonly number[]
  readonly detectsMs: readonly number[]
  readonly lost: number
  readonly unrecovered: number
  readonly others: number
}

function bySystem(runs: readonly TimelineRun[]): readonly SystemRuns[] {
  return [...Map.groupBy(runs, ({ system }) => system)]
    .map(([system, all]) => {
      const counted = all.filter(hasOutage).toSorted((a, b) => a.outageMs - b.outageMs)
      const unrecovered = all.filter(({ outcome }) => outcome === 'not-recovered')
      return {
        system,
        rows: [...thin(counted), ...unrecovered.slice(0, mostRows)],
        outagesMs: counted.map(({ outageMs }) => outageMs),
        detectsMs: counted.flatMap(({ detectMs }) => (detectMs === undefined ? [] : [detectMs])),
        lost: counted.reduce((sum, { lost }) => sum + lost, 0),
        unrecovered: unrecovered.length,
        others: all.length - counted.length - unrecovered.length,
      }
    })
    .toSorted((a, b) => middle(a) - middle(b) || a.system.localeCompare(b.system))
}

function middle({ outagesMs, unrecovered }: SystemRuns): number {
  return outagesMs.length <= unrecovered ? Infinity : median(outagesMs)
}

/** An even choice in order, first and last included. */
function thin(sorted: readonly TimelineRun[]): readonly TimelineRun[] {
  if (sorted.length <= mostRows) return sorted
  return Array.from(
    { length: mostRows },
    (_, at) => sorted[Math.round((at * (sorted.length - 1)) / (mostRows - 1))]!,
  )
}

function axisOf(rows: readonly TimelineRun[], systems: readonly SystemRuns[]): TimeAxis {
  const ends = rows.flatMap((run) => [
    run.outageMs,
    run.detectMs ?? 0,
    ...run.gaps.map(({ fromMs, ms }) => fromMs + ms),
  ])
  const latest = Math.max(1, ...ends)
  const worsts = systems.map(({ outagesMs }) => outagesMs.at(-1) ?? 0).filter((ms) => ms > 0)
  const spread = Math.max(...worsts, latest) / Math.min(...worsts, latest)
  const span = { left: chartLeft, right: chartRight }
  if (spread <= mostLinearRatio) return linearAxis(latest, span)
  return logAxis(Math.min(1, ...rows.map(({ intervalMs }) => intervalMs)), latest, span)
}

function systemBlock(
  { system, rows, outagesMs, detectsMs, unrecovered, others, lost }: SystemRuns,
  axis: TimeAxis,
  top: number,
  { things }: StreamWords,
): Panel {
  const colour = colourOf(system)
  const pitch = Math.min(Math.max(84 / Math.max(rows.length, 1), 2.6), 12)
  const height = Math.max(pitch * rows.length, 62)
  const offset = (height - pitch * rows.length) / 2
  const parts: string[] = rows.flatMap((run, at) =>
    rowOf(run, axis, colour, top + offset + at * pitch, pitch),
  )
  const facts: string[] = []
  if (outagesMs.length === 0) facts.push('no outage measured')
  else if (outagesMs.at(-1) === 0)
    facts.push(
      lost === 0 ? `no ${things} lost` : 'no outage',
      outagesMs.length === 1 ? 'in one run' : `in ${outagesMs.length} runs`,
    )
  else {
    const middleMs = median(outagesMs)
    const worstMs = outagesMs.at(-1)!
    if (outagesMs.length === 1) facts.push(`outage ${timeText(worstMs)}`, 'in one run')
    else facts.push(`median ${timeText(middleMs)}`, `worst ${timeText(worstMs)} of ${outagesMs.length}`)
    const span = { top: top + offset, bottom: top + offset + pitch * Math.min(outagesMs.length, mostRows) }
    if (beginAtOnce(rows)) parts.push(...marks(axis, span, rows.filter(hasOutage), { middleMs, worstMs }))
  }
  if (unrecovered > 0) facts.push(`${unrecovered} did not recover`)
  if (others > 0) facts.push(`${others} invalid, not shown`)
  else if (detectsMs.length > 0) facts.push(`noticed after ${timeText(median(detectsMs))}`)
  const first = top + height / 2 - (facts.length * 16) / 2 + 4
  parts.push(svgText(margin, first, system, { size: 'name', tone: colour }))
  for (const [at, fact] of facts.entries())
    parts.push(svgText(margin, first + 17 + 16 * at, fact, { tone: at === 0 ? 'ink' : 'soft' }))
  return { height, parts }
}

function rowOf(
  run: TimelineRun,
  axis: TimeAxis,
  colour: string,
  top: number,
  pitch: number,
): readonly string[] {
  const height = Math.max(pitch - 0.8, 1)
  const y = top + (pitch - height) / 2
  const parts = [
    svgRect('arrives', chartLeft, y, chartRight - chartLeft, height),
    ...gapBars(lateSpans(run), axis, { className: 'late', y, height }),
    ...gapBars(missingSpans(run), axis, { className: colour, y, height }),
  ]
  if (run.detectMs !== undefined) {
    const x = axis.at(run.detectMs)
    parts.push(
      `<circle class="notice" cx="${px(x)}" cy="${px(y + height / 2)}" r="${px(Math.min(height / 2, 1.6))}"/>`,
    )
  }
  const became = hasOutage(run) ? `outage ${timeText(run.outageMs)}, ${run.lost} lost` : 'did not recover'
  return [`<g><title>${escapeXml(run.system)}, run ${run.run}: ${became}</title>`, ...parts, '</g>']
}

/** The gaps; what did not recover is missing until further notice. */
function missingSpans({ gaps, outcome }: TimelineRun): readonly TimeSpan[] {
  return gaps.map(({ fromMs, ms }, at) => {
    const endless = outcome === 'not-recovered' && at === gaps.length - 1
    return [fromMs, endless ? Infinity : fromMs + ms]
  })
}

/** Spans whose packets took much longer than before: at least three times the 99th percentile, and 10 ms more. */
function lateSpans({
  slices = [],
  baseline,
}: TimelineRun): readonly (readonly [fromMs: number, toMs: number])[] {
  const normalMs = baseline?.p99Ms
  if (normalMs === undefined || normalMs === null) return []
  const lateMs = Math.max(3 * normalMs, normalMs + 10)
  return slices.flatMap(({ fromMs, longestMs }, at) => {
    const next = slices[at + 1]
    return next === undefined || longestMs === null || longestMs < lateMs
      ? []
      : [[fromMs, next.fromMs] as const]
  })
}

/** The median as a line over the ends of the outages, and the worst beside the last of them. */
function marks(
  axis: TimeAxis,
  { top, bottom }: { readonly top: number; readonly bottom: number },
  rows: readonly TimelineRun[],
  { middleMs, worstMs }: { readonly middleMs: number; readonly worstMs: number },
): readonly string[] {
  const [middleX, worstX] = [axis.at(median(rows.map(endOf))), axis.at(endOf(rows.at(-1)!))]
  const worst = timeText(worstMs)
  const fits = worstX + 8 + 6.6 * worst.length < chartRight
  const line = [
    svgLine('median', middleX, top - 3, middleX, bottom + 3),
    svgText(middleX, top - 6, timeText(middleMs), { size: 'tiny', anchor: 'middle', halo: true }),
  ]
  return [
    ...(rows.length > 1 ? line : []),
    svgText(worstX + (fits ? 5 : -5), bottom - 1, worst, {
      size: 'tiny',
      anchor: fits ? 'start' : 'end',
      halo: true,
    }),
  ]
}

/** End of the outage of a run, which begins with its longest gap. */
function endOf(run: TimelineRun): number {
  return (longestGap(run)?.fromMs ?? 0) + run.outageMs
}

function longestGap({ gaps }: TimelineRun): TimelineRun['gaps'][number] | undefined {
  return gaps.reduce<TimelineRun['gaps'][number] | undefined>(
    (longest, gap) => (longest === undefined || gap.ms > longest.ms ? gap : longest),
    undefined,
  )
}

/** True where outages begin at the injection, so that their lengths can be read off the axis; not with random loss. */
function beginAtOnce(rows: readonly TimelineRun[]): boolean {
  const prompt = rows.filter((run) => {
    const longest = longestGap(run)
    return longest === undefined || longest.fromMs <= Math.max(5, 3 * run.intervalMs, run.outageMs / 4)
  })
  return prompt.length >= rows.length * 0.9
}

function legend(
  systems: readonly SystemRuns[],
  axis: TimeAxis,
  y: number,
  { arrive, missing }: StreamWords,
): readonly string[] {
  const entries: [className: string, text: string][] = [['arrives', arrive]]
  for (const colour of ['x0t', 'hitless', 'peer'] as const) {
    const names = systems
      .filter(({ system, rows }) => colourOf(system) === colour && rows.some(({ gaps }) => gaps.length > 0))
      .map(({ system }) => system)
    if (names.length > 0)
      entries.push([colour, `${missing} (${names.length > 2 ? 'peers' : names.join(', ')})`])
  }
  const seen = ([fromMs, toMs]: TimeSpan): boolean => axis.at(toMs) > axis.at(fromMs)
  if (systems.some(({ rows }) => rows.some((run) => lateSpans(run).some(seen))))
    entries.push(['late', 'late: 3 × the usual, 10 ms more'])
  const parts: string[] = []
  let x = margin
  const put = (mark: string, text: string): void => {
    parts.push(mark, svgText(x + 18, y, text, { size: 'tiny', tone: 'soft' }))
    x += 18 + 6.2 * text.length + 18
  }
  for (const [className, text] of entries) put(svgRect(className, x, y - 9, 13, 10, 2), text)
  if (systems.some(({ detectsMs }) => detectsMs.length > 0))
    put(`<circle class="notice" cx="${px(x + 6)}" cy="${px(y - 4)}" r="2.5"/>`, 'noticed by the system')
  if (systems.some(({ outagesMs }) => outagesMs.length > 1 && outagesMs.at(-1)! > 0))
    put(svgLine('median', x + 6, y - 11, x + 6, y + 2), 'median')
  return parts
}
