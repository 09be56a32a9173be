import { decode, encode } from '@ipld/dag-cbor'
import { X0tError, messageOf } from '@x0t/core'
import { z } from 'zod'

/** Largest record that crosses the network, bytes. */
export const maxRecordBytes = 262_144

/** dag-cbor of a value: maps, arrays, strings, integers, booleans, byte strings. */
export function encodeRecord(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode(value))
}

/**
 * Decodes a record strictly: bounded, in the one encoding that dag-cbor has for a value, of exactly this schema.
 * @throws X0tError with `code` (RECORD_MALFORMED by default)
 */
export function decodeRecord<T>(
  bytes: Uint8Array,
  schema: z.ZodType<T>,
  {
    name,
    maxBytes = maxRecordBytes,
    code = 'RECORD_MALFORMED',
  }: { name: string; maxBytes?: number; code?: string },
): T {
  if (bytes.length > maxBytes)
    throw new X0tError(code, `a ${name} has at most ${maxBytes} bytes, not ${bytes.length}`)
  try {
    const value: unknown = decode(bytes)
    // The decoder takes longer integers and unsorted keys than dag-cbor allows to be written.
    if (Buffer.compare(encode(value), bytes) !== 0) throw new Error('not in canonical dag-cbor')
    const parsed = schema.safeParse(value)
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unexpected'}`)
    }
    return parsed.data
  } catch (error) {
    throw new X0tError(code, `not a ${name}: ${messageOf(error)}`, { cause: error })
  }
}

/** Byte string of exactly `length`, or at most `max`, bytes; a copy, so that the record's buffer can be let go. */
export function recordBytes(
  size: { readonly length: number } | { readonly max: number },
): z.ZodType<Uint8Array<ArrayBuffer>> {
  const fits = (bytes: Uint8Array): boolean =>
    'length' in size ? bytes.length === size.length : bytes.length <= size.max
  return z
    .instanceof(Uint8Array)
    .refine(fits, { error: 'length' in size ? `not ${size.length} bytes` : `more than ${size.max} bytes` })
    .transform((bytes) => new Uint8Array(bytes))
}

/** Milliseconds since 1970, until the year 9999. */
export const recordTimeMs = z.int().min(0).max(253_402_300_799_999)

/** Counter from 0. */
export const recordCounter = z.int().min(0)
