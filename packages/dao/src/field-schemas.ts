import { isNodeId } from '@x0t/core'
import { z } from 'zod'
import { isRecordId } from './record-id.ts'
import type { MemberId, RecordId } from './record.ts'
import { maxChoices } from './limits.ts'

// The forms that single fields of a record may have. Bounds, not meaning: that is judged against the state.

const maxAmount = (2n ** 256n - 1n).toString()

/** Digits without sign or leading zero, below 2^256. */
export function isAmount(text: unknown): text is string {
  if (typeof text !== 'string' || !/^(?:0|[1-9]\d{0,77})$/.test(text)) return false
  return text.length < maxAmount.length || text <= maxAmount
}

export const amount = z.custom<string>(isAmount, 'no whole number of base units from 0 to 2^256 − 1')
export const recordId = z.custom<RecordId>(isRecordId, 'no id of a record')
export const memberId = z.custom<MemberId>(
  (value) => typeof value === 'string' && isNodeId(value),
  'no id of a member',
)

// Control characters and marks that turn the direction of writing could fake what a terminal shows.
const unsafeInLine = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u
const unsafeInText = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u

/** One line of `min` to `max` characters. */
export function line(min: number, max: number): z.ZodType<string> {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((text) => !unsafeInLine.test(text), { error: 'holds control characters' })
}

/** Text of several lines. */
export function text(max: number): z.ZodType<string> {
  return z
    .string()
    .max(max)
    .refine((value) => !unsafeInText.test(value), { error: 'holds control characters' })
}

/** Byte string of exactly `length`, or of at most `max`, bytes; a copy, so that the record's buffer can be let go. */
export function byteString(
  size: { readonly length: number } | { readonly max: number },
): z.ZodType<Uint8Array<ArrayBuffer>> {
  const fits = (bytes: Uint8Array): boolean =>
    'length' in size ? bytes.length === size.length : bytes.length <= size.max
  return z
    .instanceof(Uint8Array)
    .refine(fits, { error: 'length' in size ? `not ${size.length} bytes` : `more than ${size.max} bytes` })
    .transform((bytes) => new Uint8Array(bytes))
}

/** SHA-256 as 64 hexadecimal digits. */
export const hexDigest = z.string().regex(/^[0-9a-f]{64}$/, 'no SHA-256 of 64 hexadecimal digits')

/** Milliseconds since 1970, until the year 9999. */
export const timeMs = z.int().min(0).max(253_402_300_799_999)
/** A time span of at most ten years, ms. */
export const spanMs = z.int().min(0).max(315_360_000_000)
/** A number that counts from 0. */
export const counter = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
export const choiceIndex = z
  .int()
  .min(0)
  .max(maxChoices - 1)

/** True if the ids ascend, each once: the one order that a list of them may have. */
export function ascend(ids: readonly string[]): boolean {
  return ids.every((id, index) => index === 0 || ids[index - 1]! < id)
}
