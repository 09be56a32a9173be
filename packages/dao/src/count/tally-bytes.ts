import type { Tally } from '../tally.ts'

/**
 * The bytes of a result, which every node must find the same: JSON in UTF-8 without spaces, the keys of each object
 * sorted (RFC 8785; a tally has no number but small whole ones).
 */
export function tallyBytes(tally: Tally): Uint8Array {
  return new TextEncoder().encode(canonical(tally))
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`
}
