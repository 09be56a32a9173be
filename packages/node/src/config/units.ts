const durationUnitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const byteUnits: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

/**
 * Milliseconds of a duration such as `250ms`, `90s`, `1h30m` or `7d`; units go from large to small, each once.
 * @throws RangeError if the text is no duration, or longer than a safe integer
 */
export function parseDurationMs(text: string): number {
  const match = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/.exec(text)
  if (match === null || text === '') throw new RangeError('a duration with units d, h, m, s, ms, like 1h30m')
  let total = 0
  for (const [index, unit] of ['d', 'h', 'm', 's', 'ms'].entries())
    total += Number(match[index + 1] ?? 0) * durationUnitsMs[unit]!
  return total
}

/** The shortest exact text of a duration: 5_400_000 is `1h30m`, 0 is `0s`. */
export function formatDurationMs(durationMs: number): string {
  let rest = Math.round(durationMs)
  let text = ''
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = durationUnitsMs[unit]!
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${unit}`
    rest -= count * size
  }
  return text === '' ? '0s' : text
}

/**
 * Bytes of a size such as `4096`, `64KiB` or `1.5MB`: decimal (kB, MB, GB) and binary (KiB, MiB, GiB) units.
 * @throws RangeError if the text is no size, or not a whole number of bytes
 */
export function parseBytes(text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,6})?) ?([A-Za-z]{1,3})?$/.exec(text)
  const unit = match === null ? undefined : byteUnits[match[2] ?? 'B']
  const bytes = unit === undefined ? NaN : Number(match![1]) * unit
  if (!Number.isSafeInteger(bytes)) throw new RangeError('a size in bytes with unit B, kB, MB, KiB, MiB, GiB')
  return bytes
}

/** Bytes in the largest binary unit that keeps at most one decimal: 16_777_216 is `16 MiB`. */
export function formatBytes(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const size = byteUnits[unit]!
    if (Math.abs(bytes) >= size) return `${Number((bytes / size).toFixed(1))} ${unit}`
  }
  return `${bytes} B`
}
