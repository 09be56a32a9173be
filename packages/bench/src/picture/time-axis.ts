/** A position on an axis of time, and the lines to draw across it. */
export interface TimeAxis {
  readonly kind: 'linear' | 'log'
  /** Pixels for milliseconds from the injection; times outside are at the edges. */
  at(ms: number): number
  readonly ticks: readonly Tick[]
}

export interface Tick {
  readonly ms: number
  /** Absent on lines between two labelled ones. */
  readonly label?: string
}

interface Span {
  readonly left: number
  readonly right: number
}

/** `34 ms`, `3.4 ms`, `1.6 s`: two or three significant digits. */
export function timeText(ms: number): string {
  if (ms === 0) return '0 ms'
  if (Math.abs(ms) >= 999.5) return `${trimmed(ms / 1000, Math.abs(ms) >= 99_950 ? 0 : 1)} s`
  return `${trimmed(ms, Math.abs(ms) >= 9.95 ? 0 : Math.abs(ms) >= 0.995 ? 1 : 2)} ms`
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}

/** From a little before the injection to `untilMs`, evenly. */
export function linearAxis(untilMs: number, { left, right }: Span): TimeAxis {
  const step = niceStep(untilMs / 6)
  const endMs = Math.ceil((untilMs * 1.04) / step) * step
  const beginMs = -endMs * 0.07
  const at = (ms: number): number =>
    left + ((right - left) * (Math.min(Math.max(ms, beginMs), endMs) - beginMs)) / (endMs - beginMs)
  const ticks = Array.from({ length: Math.round(endMs / step) + 1 }, (_, index) => ({
    ms: index * step,
    label: timeText(index * step),
  }))
  return { kind: 'linear', at, ticks }
}

/** Widths left of a logarithmic axis: before the injection, and from there to its first value, linear. */
const beforePixels = 22
const linearPixels = 26

/** Decades from at most `leastMs` to at least `mostMs`; linear from 0 to the first of them. */
export function logAxis(leastMs: number, mostMs: number, { left, right }: Span): TimeAxis {
  const from = Math.floor(Math.log10(leastMs) + 1e-9)
  const to = Math.max(from + 1, Math.log10(mostMs * 1.1))
  const zero = left + beforePixels
  const begin = zero + linearPixels
  const at = (ms: number): number => {
    if (ms <= 10 ** from) return Math.max(left, zero + (linearPixels * ms) / 10 ** from)
    const share = (Math.log10(ms) - from) / (to - from)
    return begin + (right - begin) * Math.min(Math.max(share, 0), 1)
  }
  const ticks: Tick[] = [{ ms: 0, label: '0' }]
  for (let decade = from; decade <= to; decade++) {
    for (let digit = 1; digit < 10; digit++) {
      const ms = digit * 10 ** decade
      if (Math.log10(ms) > to) break
      const labelled = digit === 1 || (to - from < 2.6 && (digit === 2 || digit === 5))
      ticks.push(labelled ? { ms, label: timeText(ms) } : { ms })
    }
  }
  return { kind: 'log', at, ticks }
}

/** The next of 1, 2, 5 times a power of ten. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return (([1, 2, 5] as const).find((digit) => digit * power >= least * (1 - 1e-9)) ?? 10) * power
}
