import { isUint8Array } from 'node:util/types'
import { decode, encode } from '@ipld/dag-cbor'
import { messageOf, X0tError } from '@x0t/core'
import type { RecordId } from '@x0t/dao'
import { isEntryHash } from './entry-check.ts'

/** Neighbours tell each other the heads of the logs that they have. */
export const headsProtocol = '/x0t/dao/heads/1'
/** A neighbour asks for entries; the answer is a sequence of blocks. */
export const entriesProtocol = '/x0t/dao/entries/1'

export interface HeadsMessage {
  readonly dao: RecordId
  /** Whether these are all heads that the sender has, and all are wanted in return. */
  readonly isAll: boolean
  readonly heads: readonly string[]
}

export interface EntriesRequest {
  readonly dao: RecordId
  readonly want: readonly string[]
  /** Heads that the asker has: what lies behind them is not wanted. */
  readonly have: readonly string[]
}

export interface Block {
  readonly kind: 'entry' | 'identity'
  readonly hash: string
  readonly bytes: Uint8Array
}

/** Entries in a request. */
export const maxWanted = 16
export const maxHave = 64
const maxDaoCharacters = 80

export function encodeHeads({ dao, isAll, heads }: HeadsMessage): Uint8Array {
  return encode({ v: 1, dao, all: isAll, heads })
}

/** @throws X0tError ORBIT_MESSAGE_INVALID */
export function decodeHeads(bytes: Uint8Array, maxHeads: number): HeadsMessage {
  const { dao, all, heads } = fieldsOf(bytes, ['v', 'dao', 'all', 'heads'])
  if (typeof all !== 'boolean') throw malformed('heads without a purpose')
  return { dao: daoOf(dao), isAll: all, heads: hashesOf(heads, maxHeads) }
}

export function encodeRequest({ dao, want, have }: EntriesRequest): Uint8Array {
  return encode({ v: 1, dao, want, have })
}

/** @throws X0tError ORBIT_MESSAGE_INVALID */
export function decodeRequest(bytes: Uint8Array): EntriesRequest {
  const { dao, want, have } = fieldsOf(bytes, ['v', 'dao', 'want', 'have'])
  return { dao: daoOf(dao), want: hashesOf(want, maxWanted), have: hashesOf(have, maxHave) }
}

export function encodeBlock({ kind, hash, bytes }: Block): Uint8Array {
  return encode({ v: 1, kind, hash, bytes })
}

/** @throws X0tError ORBIT_MESSAGE_INVALID */
export function decodeBlock(bytes: Uint8Array): Block {
  const { kind, hash, bytes: content } = fieldsOf(bytes, ['v', 'kind', 'hash', 'bytes'])
  if (kind !== 'entry' && kind !== 'identity') throw malformed('a block of no kind')
  if (!isEntryHash(hash) || !isUint8Array(content)) throw malformed('a block without hash or content')
  return { kind, hash, bytes: content }
}

function fieldsOf(bytes: Uint8Array, names: readonly string[]): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    // The decoder slices: of a plain Uint8Array that is a copy, so that the message can be let go.
    value = decode(new Uint8Array(bytes))
  } catch (error) {
    throw malformed(messageOf(error), error)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isUint8Array(value))
    throw malformed('no map')
  const fields = value as Record<string, unknown>
  if (Object.keys(fields).length !== names.length || !names.every((name) => Object.hasOwn(fields, name)))
    throw malformed('other fields')
  if (fields['v'] !== 1) throw malformed('another version')
  return fields
}

function daoOf(value: unknown): RecordId {
  if (typeof value !== 'string' || value.length > maxDaoCharacters || !/^[a-z0-9]+$/.test(value))
    throw malformed('no DAO')
  return value as RecordId
}

function hashesOf(value: unknown, max: number): readonly string[] {
  if (!Array.isArray(value) || value.length > max || !value.every(isEntryHash))
    throw malformed(`no list of up to ${max} entries`)
  return value
}

function malformed(what: string, cause?: unknown): X0tError {
  return new X0tError('ORBIT_MESSAGE_INVALID', `a message of a neighbour: ${what}`, { cause })
}
