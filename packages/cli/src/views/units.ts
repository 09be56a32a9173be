/** A duration in its two largest units: `3d 4h`, `2m 5s`, `640ms`. */
export function shortDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)}ms`
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const
  const first = units.findIndex(([, size]) => durationMs >= size)
  let rest = durationMs
  return units
    .slice(first, first + 2)
    .map(([unit, size]) => {
      const count = Math.floor(rest / size)
      rest -= count * size
      return count === 0 ? '' : `${count}${unit}`
    })
    .filter((part) => part !== '')
    .join(' ')
}

/** Bits per second with a decimal prefix: `1.2 Gbit/s`. */
export function bitRate(bytesPerSecond: number): string {
  const bits = bytesPerSecond * 8
  for (const [unit, size] of [
    ['Gbit/s', 1e9],
    ['Mbit/s', 1e6],
    ['kbit/s', 1e3],
  ] as const)
    if (bits >= size) return `${(bits / size).toFixed(1)} ${unit}`
  return `${Math.round(bits)} bit/s`
}

export function milliseconds(value: number | null): string {
  if (value === null) return '-'
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
}

export function percent(ratio: number | null): string {
  return ratio === null ? '-' : `${(ratio * 100).toFixed(ratio > 0 && ratio < 0.01 ? 2 : 1)} %`
}
