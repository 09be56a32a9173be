import { px } from './svg-page.ts'
import type { TimeAxis } from './time-axis.ts'

export interface BarRow {
  readonly className: string
  readonly y: number
  readonly height: number
}

/** A span of time, ms from the injection. */
export type TimeSpan = readonly [fromMs: number, toMs: number]

/** Spans narrower than this many pixels are drawn by the share that they cover of each column of pixels. */
const narrowPixels = 1.2
/** Opacities of columns that are covered in part; the faintest is still to be seen. */
const levels = [0.35, 0.55, 0.75, 1] as const

/**
 * Bars of time on a row. Thousands of single lost packets become columns shaded by their density, so that a loss of
 * 20 % does not look like an outage, and the file stays small.
 */
export function gapBars(
  spans: readonly TimeSpan[],
  axis: TimeAxis,
  { className, y, height }: BarRow,
): readonly string[] {
  const wide: string[] = []
  const cover = new Map<number, number>()
  const draw = (from: number, to: number): string =>
    `M${px(from)} ${px(y)}H${px(to)}V${px(y + height)}H${px(from)}z`
  for (const [fromMs, toMs] of spans) {
    const [from, to] = [axis.at(fromMs), axis.at(toMs)]
    if (to <= from) continue // outside of the axis
    if (to - from >= narrowPixels) wide.push(draw(from, to))
    else {
      const column = Math.floor(from)
      cover.set(column, Math.min(1, (cover.get(column) ?? 0) + to - from))
    }
  }
  const shaded = Map.groupBy(columnsOf(cover), ({ level }) => level)
  const path = (parts: readonly string[], opacity: number): string =>
    `<path class="${className}"${opacity === 1 ? '' : ` fill-opacity="${opacity}"`} d="${parts.join('')}"/>`
  return [
    ...[...shaded].map(([level, columns]) =>
      path(
        columns.map(({ from, to }) => draw(from, to)),
        level,
      ),
    ),
    ...(wide.length === 0 ? [] : [path(wide, 1)]),
  ]
}

interface Columns {
  readonly from: number
  readonly to: number
  readonly level: number
}

/** Neighbouring columns of the same level as one. */
function columnsOf(cover: ReadonlyMap<number, number>): readonly Columns[] {
  const columns: Columns[] = []
  for (const [column, share] of [...cover].toSorted(([a], [b]) => a - b)) {
    const level = levels[Math.min(levels.length - 1, Math.floor(share * levels.length))]!
    const last = columns.at(-1)
    if (last !== undefined && last.to === column && last.level === level)
      columns[columns.length - 1] = { ...last, to: column + 1 }
    else columns.push({ from: column, to: column + 1, level })
  }
  return columns
}
