import { isUint8Array } from 'node:util/types'
import { decode } from '@ipld/dag-cbor'
import { messageOf, nodeIdBytes, nodeIdFromBytes, X0tError, type NodeId } from '@x0t/core'

/**
 * Decodes dag-cbor. Byte strings of the value are copies, so that the message's buffer can be let go:
 * the decoder slices, and a slice of a plain Uint8Array is a copy where that of a Buffer is none.
 * @throws X0tError MESH_MESSAGE_MALFORMED
 */
export function decodeValue(bytes: Uint8Array, maxBytes: number): unknown {
  if (bytes.length > maxBytes) throw malformed(`${bytes.length} bytes where ${maxBytes} are allowed`)
  try {
    return decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))
  } catch (error) {
    throw malformed(messageOf(error), error)
  }
}

/** The fields of a decoded map or array are read by these; each throws MESH_MESSAGE_MALFORMED. */
export function malformed(what: string, cause?: unknown): X0tError {
  return new X0tError('MESH_MESSAGE_MALFORMED', `mesh message: ${what}`, { cause })
}

/** A map with exactly these keys. */
export function mapOf(value: unknown, keys: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isUint8Array(value))
    throw malformed('a map is missing')
  const found = Object.keys(value)
  if (found.length !== keys.length || !keys.every((key) => Object.hasOwn(value, key)))
    throw malformed(`keys ${found.slice(0, 16).join(' ').slice(0, 80)}, not ${keys.join(' ')}`)
  return value as Record<string, unknown>
}

/** An array of exactly `length` items. */
export function tupleOf(value: unknown, length: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== length) throw malformed(`no array of ${length}`)
  return value
}

/** An array of at most `maxLength` items. */
export function listOf<T>(value: unknown, maxLength: number, read: (item: unknown) => T): readonly T[] {
  if (!Array.isArray(value) || value.length > maxLength) throw malformed(`no list of up to ${maxLength}`)
  return value.map(read)
}

export function integerOf(value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
    throw malformed(`no integer from ${min} to ${max}`)
  return value
}

export function textOf(value: unknown, maxCharacters: number): string {
  if (typeof value !== 'string' || value.length > maxCharacters)
    throw malformed(`no text of up to ${maxCharacters} characters`)
  return value
}

export function bytesOf(value: unknown, minBytes: number, maxBytes: number): Uint8Array {
  if (!isUint8Array(value) || value.length < minBytes || value.length > maxBytes)
    throw malformed(`no byte string of ${minBytes} to ${maxBytes}`)
  return value
}

export function nodeIdOf(value: unknown): NodeId {
  if (!isUint8Array(value) || value.length !== nodeIdBytes) throw malformed('no node id')
  return nodeIdFromBytes(value)
}

export function booleanOf(value: unknown): boolean {
  if (typeof value !== 'boolean') throw malformed('no boolean')
  return value
}
