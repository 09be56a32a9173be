import { X0tError } from '@x0t/core'
import { shown } from './exact/amount.ts'

/** The fields of what was decoded from JSON or CBOR, read one by one; a field that nobody asked for is an error. */
export interface FieldReader {
  readonly path: string
  has(key: string): boolean
  /** The value of a field that must be there. */
  get(key: string): unknown
  /** A field that is one of some words. */
  oneOf<Word extends string>(key: string, words: readonly Word[]): Word
  boolean(key: string): boolean
  /** A whole number within bounds. */
  integer(key: string, from: number, to: number): number
  /** Throws if there are fields that were not asked for. */
  end(): void
}

/** Reads the fields of `value`; errors carry `code` and the path of the field. */
export function readFields(value: unknown, path: string, code: string): FieldReader {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidField(code, path, `is ${shown(value)}, not an object`)
  }
  const fields = new Map(Object.entries(value))
  const asked = new Set<string>()
  const fail = (key: string, why: string): never => {
    throw invalidField(code, `${path}.${key}`, why)
  }
  const reader: FieldReader = {
    path,
    has: (key) => fields.has(key),
    get(key) {
      asked.add(key)
      return fields.has(key) ? fields.get(key) : fail(key, 'is missing')
    },
    oneOf(key, words) {
      const found = reader.get(key)
      return words.find((word) => word === found) ?? fail(key, `is ${shown(found)}, not ${words.join(', ')}`)
    },
    boolean(key) {
      const found = reader.get(key)
      return typeof found === 'boolean' ? found : fail(key, `is ${shown(found)}, not true or false`)
    },
    integer(key, from, to) {
      const found = reader.get(key)
      if (typeof found === 'number' && Number.isSafeInteger(found) && found >= from && found <= to)
        return found
      return fail(key, `is ${shown(found)}, not a whole number from ${from} to ${to}`)
    },
    end() {
      for (const key of fields.keys()) if (!asked.has(key)) fail(key, 'is not known')
    },
  }
  return reader
}

/** A list with bounds on its length. */
export function readList(
  value: unknown,
  path: string,
  { code, from, to }: { readonly code: string; readonly from: number; readonly to: number },
): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidField(code, path, `is ${shown(value)}, not a list`)
  if (value.length < from || value.length > to) {
    throw invalidField(code, path, `has ${value.length} entries, not ${from} to ${to}`)
  }
  return value
}

export function invalidField(code: string, path: string, why: string, hint?: string): X0tError {
  return new X0tError(code, `${path} ${why}`, { exitCode: 2, ...(hint === undefined ? {} : { hint }) })
}
