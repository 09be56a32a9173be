import { decode, encode } from '@ipld/dag-cbor'
import { maxDepth } from './limits.ts'

/** dag-cbor of a value: maps, lists, text, whole numbers, true, false, null, bytes. */
export function encodeStrict(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode(value))
}

/**
 * Decodes the one encoding that dag-cbor has for a value. Floats, undefined, tags, unsorted or repeated keys, longer
 * forms of a number, bytes behind the end: all refused, the first ones before anything is built.
 * @throws Error for all of that; whoever calls gives it a code
 */
export function decodeStrict(bytes: Uint8Array): unknown {
  checkStructure(bytes)
  const value: unknown = decode(bytes)
  // The decoder takes keys in any order; what was signed has one form only.
  if (Buffer.compare(encode(value), bytes) !== 0) throw new Error('not in canonical dag-cbor')
  return value
}

/**
 * Walks over the heads of all items (RFC 8949 §3) without building any: ends at once at what no record holds, and at
 * too deep a nesting, which would exhaust the decoder's stack.
 */
function checkStructure(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Items still to come on each level.
  const pending: number[] = [1]
  let at = 0
  while (pending.length > 0) {
    const level = pending.length - 1
    if (pending[level] === 0) {
      pending.pop()
      continue
    }
    pending[level]! -= 1
    if (at >= bytes.length) throw new Error('it ends in the middle')
    const head = bytes[at]!
    const major = head >> 5
    const short = head & 31
    if (major === 6) throw new Error(`a tag at byte ${at}`)
    if (major === 7) {
      // 20 false, 21 true, 22 null; all else are floats, undefined and simple values.
      if (short < 20 || short > 22) throw new Error(`a float, undefined or unknown value at byte ${at}`)
      at += 1
      continue
    }
    if (short > 27) throw new Error(`an open-ended or malformed item at byte ${at}`)
    const width = short < 24 ? 0 : 1 << (short - 24)
    if (at + 1 + width > bytes.length) throw new Error('it ends in the middle')
    const argument = width === 0 ? short : readArgument(view, at + 1, width)
    at += 1 + width
    if (major < 2) {
      if (argument > Number.MAX_SAFE_INTEGER) throw new Error(`a number beyond 2^53 at byte ${at}`)
    } else if (major < 4) {
      if (argument > bytes.length - at) throw new Error('a text or byte string is longer than the record')
      at += argument
    } else {
      const items = major === 5 ? argument * 2 : argument
      // Each item takes a byte at least.
      if (items > bytes.length - at) throw new Error('a list or map is longer than the record')
      if (pending.length > maxDepth) throw new Error(`nested deeper than ${maxDepth}`)
      pending.push(items)
    }
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes behind its end`)
}

function readArgument(view: DataView, at: number, width: number): number {
  if (width === 1) return view.getUint8(at)
  if (width === 2) return view.getUint16(at)
  if (width === 4) return view.getUint32(at)
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)
}
