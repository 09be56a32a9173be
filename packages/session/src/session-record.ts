import { decode, encode } from '@ipld/dag-cbor'
import { X0tError } from '@x0t/core'
import { maxSpi, minSpi, suites, type Suite } from './security-association.ts'

const version = 1
export const instanceBytes = 8
/** Longest record; each travels behind its length as u16. */
export const maxRecordBytes = 256

/**
 * Order of the associations of one pair of nodes: the node with the lower id numbers them, so that both ends agree
 * which is newer when two handshakes cross. `instance` tells one run of that node from the next.
 */
export interface Generation {
  readonly instance: Uint8Array
  readonly number: number
}

/**
 * What the two sides say inside TLS, in this order:
 * initiator `offer`; responder `accept` (it receives already); initiator `confirm` (it receives too).
 * The generation is in the record of the side with the lower id: `accept` or `confirm`.
 */
export type SessionRecord =
  | { readonly kind: 'offer'; readonly spi: number; readonly suites: readonly Suite[] }
  | { readonly kind: 'accept'; readonly spi: number; readonly suite: Suite; readonly generation?: Generation }
  | { readonly kind: 'confirm'; readonly generation?: Generation }

/** The record behind its length (u16, big endian), as dag-cbor with a version. */
export function encodeSessionRecord(record: SessionRecord): Buffer {
  const body = encode({ ...record, version })
  const framed = Buffer.alloc(2 + body.length)
  framed.writeUInt16BE(body.length, 0)
  framed.set(body, 2)
  return framed
}

/** @throws X0tError SESSION_RECORD_INVALID, also for suites that are all unknown */
export function decodeSessionRecord(body: Uint8Array): SessionRecord {
  let value: unknown
  try {
    value = body.length > maxRecordBytes ? undefined : decode(body)
  } catch (cause) {
    throw invalid('it is no dag-cbor', cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is no map')
  const { kind, version: spoken, ...fields } = value as Record<string, unknown>
  if (spoken !== version) throw invalid(`its version is not ${version}`)
  if (kind === 'offer') {
    if (!hasOnly(fields, ['spi', 'suites']) || !isSpi(fields['spi'])) throw invalid('its fields are others')
    return { kind, spi: fields['spi'], suites: knownSuites(fields['suites']) }
  }
  if (kind === 'accept') {
    const { spi, suite, generation } = fields
    if (!hasOnly(fields, ['generation', 'spi', 'suite']) || !isSpi(spi) || !isSuite(suite))
      throw invalid('its fields are others')
    return { kind, spi, suite, ...decodeGeneration(generation) }
  }
  if (kind === 'confirm') {
    if (!hasOnly(fields, ['generation'])) throw invalid('its fields are others')
    return { kind, ...decodeGeneration(fields['generation']) }
  }
  throw invalid('its kind is unknown')
}

function decodeGeneration(value: unknown): { generation?: Generation } {
  if (value === undefined) return {}
  if (typeof value === 'object' && value !== null && hasOnly(value, ['instance', 'number'])) {
    const { instance, number } = value as Record<string, unknown>
    const isNumber = typeof number === 'number' && Number.isSafeInteger(number) && number > 0
    if (instance instanceof Uint8Array && instance.length === instanceBytes && isNumber)
      return { generation: { instance, number } }
  }
  throw invalid('its generation is malformed')
}

/** Those suites of the list that we know, so that a later version may offer more. */
function knownSuites(value: unknown): readonly Suite[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 8 || new Set(value).size !== value.length)
    throw invalid('its suites are malformed')
  return value.filter(isSuite)
}

function isSuite(value: unknown): value is Suite {
  return (suites as readonly unknown[]).includes(value)
}

function isSpi(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= minSpi && value <= maxSpi
}

function hasOnly(value: object, names: readonly string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name))
}

function invalid(what: string, cause?: unknown): X0tError {
  return new X0tError('SESSION_RECORD_INVALID', `not a session record: ${what}`, { cause })
}
