import { decode, encode } from '@ipld/dag-cbor'
import { X0tError } from '@x0t/core'

export const handshakeIdBytes = 16

/** Most bytes of TLS in one message. */
export const maxPayloadBytes = 16 * 1024

/** Longest encoded message: payload and a little framing. */
export const maxMessageBytes = maxPayloadBytes + 96

/** Messages one side may send in one handshake. */
export const maxSequenceNumber = 255

/** A piece of one direction of a handshake, carried by one routed message. The network may lose and reorder them. */
export interface HandshakeMessage {
  /** Chosen at random by the initiator; hex. */
  readonly handshakeId: string
  /** Who sent it. */
  readonly sender: 'initiator' | 'responder'
  /** Place of the payload, from 0; of an empty payload, the number that comes next. */
  readonly sequence: number
  /** All payloads of the other side below this number have arrived. */
  readonly acknowledged: number
  readonly payload: Uint8Array
  /** The sender gave up and says nothing more; only without payload. A hint: it is not authenticated. */
  readonly ended: boolean
}

/** The message as dag-cbor: `{a: acknowledged, d: sender, e: ended, h: handshake id, p: payload, s: sequence}`. */
export function encodeHandshakeMessage(message: HandshakeMessage): Uint8Array<ArrayBuffer> {
  return encode({
    a: message.acknowledged,
    d: message.sender === 'initiator' ? 0 : 1,
    e: message.ended,
    h: Buffer.from(message.handshakeId, 'hex'),
    p: message.payload,
    s: message.sequence,
  }) as Uint8Array<ArrayBuffer>
}

/** @throws X0tError SESSION_MESSAGE_INVALID unless `bytes` are one message in strict dag-cbor, within all bounds */
export function decodeHandshakeMessage(bytes: Uint8Array): HandshakeMessage {
  if (bytes.length > maxMessageBytes) throw invalid(`it has ${bytes.length} bytes`)
  let value: unknown
  try {
    value = decode(bytes)
  } catch (cause) {
    throw invalid('it is no dag-cbor', cause)
  }
  if (typeof value !== 'object' || value === null) throw invalid('it is no map')
  const record = value as Record<string, unknown>
  if (Object.keys(record).toSorted().join() !== 'a,d,e,h,p,s') throw invalid('its fields are others')
  const { a: acknowledged, d: direction, e: ended, h: handshakeId, p: payload, s: sequence } = record
  if (!isSequence(acknowledged) || !isSequence(sequence)) throw invalid('a number is out of range')
  if (direction !== 0 && direction !== 1) throw invalid('its direction is neither')
  if (!(handshakeId instanceof Uint8Array) || handshakeId.length !== handshakeIdBytes)
    throw invalid('its handshake id has another length')
  if (!(payload instanceof Uint8Array) || payload.length > maxPayloadBytes)
    throw invalid('its payload is too long')
  if (typeof ended !== 'boolean' || (ended && payload.length > 0)) throw invalid('its end is malformed')
  return {
    handshakeId: Buffer.from(handshakeId).toString('hex'),
    sender: direction === 0 ? 'initiator' : 'responder',
    sequence,
    acknowledged,
    payload,
    ended,
  }
}

function isSequence(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxSequenceNumber
}

function invalid(what: string, cause?: unknown): X0tError {
  return new X0tError('SESSION_MESSAGE_INVALID', `not a handshake message: ${what}`, { cause })
}
