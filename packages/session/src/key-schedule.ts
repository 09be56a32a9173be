import { bytesOfNodeId, nodeIdBytes, type NodeId } from '@x0t/core'
import { keyBytes, saltBytes, type SecurityAssociation } from './security-association.ts'

export const exporterLabel = 'EXPORTER-x0t-esp-v1'

/** Bytes exported: a key and a salt for each direction. */
export const exportedBytes = 2 * (keyBytes + saltBytes)

/** The two ends of a handshake and the SPIs under which they receive. */
export interface HandshakeEnds {
  readonly initiator: NodeId
  readonly responder: NodeId
  readonly initiatorSpi: number
  readonly responderSpi: number
}

/**
 * Context of the exporter: initiator id (32 B) ‖ responder id (32 B) ‖ initiator SPI u32 ‖ responder SPI u32,
 * big endian. It binds the keys to both names, so that no third member can be made to believe in them.
 */
export function exporterContext(ends: HandshakeEnds): Buffer {
  const context = Buffer.alloc(2 * nodeIdBytes + 8)
  context.set(bytesOfNodeId(ends.initiator), 0)
  context.set(bytesOfNodeId(ends.responder), nodeIdBytes)
  context.writeUInt32BE(ends.initiatorSpi, 2 * nodeIdBytes)
  context.writeUInt32BE(ends.responderSpi, 2 * nodeIdBytes + 4)
  return context
}

/** Gives `length` bytes of keying material (RFC 8446 §7.5); `exportKeyingMaterial` of a TLS socket is one. */
export type Exporter = (length: number, label: string, context: Buffer) => Buffer

export type SessionKeys = Pick<SecurityAssociation, 'sendKey' | 'sendSalt' | 'receiveKey' | 'receiveSalt'>

/**
 * Keys of both directions from one export of 72 bytes: key and salt initiator → responder, then key and salt
 * responder → initiator.
 * @param role ours
 */
export function deriveKeys(
  role: 'initiator' | 'responder',
  ends: HandshakeEnds,
  exportKeys: Exporter,
): SessionKeys {
  const material = exportKeys(exportedBytes, exporterLabel, exporterContext(ends))
  if (material.length !== exportedBytes)
    throw new RangeError(`the exporter gave ${material.length} bytes, not ${exportedBytes}`)
  const part = (from: number, length: number): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(material.subarray(from, from + length))
  const half = keyBytes + saltBytes
  const forward = { key: part(0, keyBytes), salt: part(keyBytes, saltBytes) }
  const backward = { key: part(half, keyBytes), salt: part(half + keyBytes, saltBytes) }
  material.fill(0)
  const [send, receive] = role === 'initiator' ? [forward, backward] : [backward, forward]
  return { sendKey: send.key, sendSalt: send.salt, receiveKey: receive.key, receiveSalt: receive.salt }
}
