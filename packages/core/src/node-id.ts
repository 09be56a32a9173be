import { base32Decode, base32Encode } from './base32.ts'
import { X0tError } from './error.ts'

/** A node's identifier: 32 bytes, written as 52 characters of lower-case base32. */
export type NodeId = string & { readonly brand: 'NodeId' }

export const nodeIdBytes = 32

/** @throws RangeError unless `bytes` has length 32 */
export function nodeIdFromBytes(bytes: Uint8Array): NodeId {
  if (bytes.length !== nodeIdBytes) throw new RangeError(`a node id has 32 bytes, not ${bytes.length}`)
  return base32Encode(bytes) as NodeId
}

/** @throws X0tError NODE_ID_INVALID unless `text` is the base32 of 32 bytes */
export function parseNodeId(text: string): NodeId {
  if (!isNodeId(text)) {
    throw new X0tError('NODE_ID_INVALID', `${JSON.stringify(text.slice(0, 80))} is not a node id`, {
      hint: 'a node id has 52 characters a-z 2-7; x0t node peers lists them',
    })
  }
  return text
}

/** True for the canonical text of a node id. */
export function isNodeId(text: string): text is NodeId {
  // 52 characters hold 260 bits: the last 4 must be zero, so the last character is a or q.
  return /^[a-z2-7]{51}[aq]$/.test(text)
}

/** The 32 bytes of a node id. */
export function bytesOfNodeId(id: NodeId): Uint8Array<ArrayBuffer> {
  return base32Decode(id)
}

/**
 * Destination label of a node on the data plane: the first 8 bytes of its id.
 * Labels only route; sessions authenticate the whole id.
 */
export function labelOfNodeId(id: NodeId): Uint8Array<ArrayBuffer> {
  return bytesOfNodeId(id).slice(0, 8)
}

/** The first 10 characters, for tables and logs. */
export function shortNodeId(id: NodeId): string {
  return id.slice(0, 10)
}
