/**
 * A value of a program's map or global. Integers of up to 32 bits are numbers, wider ones bigints, enumerators their
 * names, structs objects by field, arrays arrays, and printable `char` arrays text.
 */
export type BpfValue =
  | bigint
  | number
  | boolean
  | string
  | readonly BpfValue[]
  | { readonly [field: string]: BpfValue }

/** What JSON can hold of a {@link BpfValue}. */
export type JsonValue =
  | number
  | boolean
  | string
  | null
  | readonly JsonValue[]
  | { readonly [field: string]: JsonValue }

/**
 * The value for JSON: a bigint becomes a number where JSON readers keep it exact (up to 2^53 - 1 either way), else
 * decimal text, and so does a float that JSON has no number for (`NaN`, `Infinity`, `-Infinity`, `-0`). A codec takes
 * both back.
 */
export function toJson(value: BpfValue): JsonValue {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value.toString()
  }
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return '-0'
    return Number.isFinite(value) ? value : String(value)
  }
  if (typeof value !== 'object') return value
  if (isList(value)) return value.map(toJson)
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, toJson(inner)]))
}

/** `Array.isArray` that also narrows what is not an array. */
export function isList(value: unknown): value is readonly BpfValue[] {
  return Array.isArray(value)
}
