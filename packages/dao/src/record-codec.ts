import { X0tError, messageOf } from '@x0t/core'
import { z } from 'zod'
import { bodySchemas } from './body-schemas.ts'
import { counter, memberId, recordId, timeMs } from './field-schemas.ts'
import { laneOf } from './lane.ts'
import { maxRecordBytes } from './limits.ts'
import { decodeStrict, encodeStrict } from './strict-cbor.ts'
import type { DaoRecord, Lane, RecordBodies, RecordHead, RecordKind, RecordOf } from './record.ts'

const head = {
  v: z.literal(1),
  dao: recordId.nullable(),
  author: memberId,
  lane: z.string().max(80) as unknown as z.ZodType<Lane>,
  seq: counter,
  prev: recordId.nullable(),
  atMs: timeMs,
}

const schemas = new Map<string, z.ZodType<DaoRecord>>(
  Object.entries(bodySchemas).map(([kind, body]) => [
    kind,
    z.strictObject({ ...head, kind: z.literal(kind), body }) as unknown as z.ZodType<DaoRecord>,
  ]),
)
const largestBytes = Math.max(...Object.values(maxRecordBytes))

/**
 * The bytes of a record: what is signed and what its id is made of.
 * @throws X0tError DAO_RECORD_MALFORMED, DAO_RECORD_TOO_LARGE if no other node would take it
 */
export function encodeRecord<Kind extends RecordKind>(
  { dao, author, lane, seq, prev, atMs }: Omit<RecordHead, 'v'>,
  kind: Kind,
  body: RecordBodies[Kind],
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly record: RecordOf<Kind> } {
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = encodeStrict({ v: 1, dao, kind, author, lane, seq, prev, atMs, body })
  } catch (error) {
    throw malformed(error) // undefined, a float that is no number, an object of a class
  }
  return { bytes, record: decodeRecord(bytes) as RecordOf<Kind> }
}

/**
 * Reads a record strictly: bounded, canonical, of exactly the form that its kind has, in the lane that it belongs to.
 * @throws X0tError DAO_RECORD_MALFORMED, DAO_RECORD_TOO_LARGE
 */
export function decodeRecord(bytes: Uint8Array): DaoRecord {
  checkSize(bytes, largestBytes, 'record')
  let record: DaoRecord
  try {
    record = parse(decodeStrict(bytes))
  } catch (error) {
    throw malformed(error)
  }
  checkSize(bytes, maxRecordBytes[record.kind], `${record.kind} record`)
  return record
}

function parse(value: unknown): DaoRecord {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined
  const schema = typeof kind === 'string' ? schemas.get(kind) : undefined
  if (schema === undefined) throw new Error('of an unknown kind')
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unexpected'}`)
  }
  const record = parsed.data
  if (record.lane !== laneOf(record.kind, record.body)) throw new Error('in a lane of another kind')
  if ((record.seq === 0) !== (record.prev === null))
    throw new Error('the first of a lane, and only that, has no predecessor')
  if ((record.kind === 'genesis') !== (record.dao === null))
    throw new Error('a genesis, and only that, names no DAO')
  if (record.kind === 'genesis' && record.seq !== 0) throw new Error('a genesis is the first of its lane')
  return record
}

function checkSize(bytes: Uint8Array, maxBytes: number, what: string): void {
  if (bytes.length <= maxBytes) return
  throw new X0tError('DAO_RECORD_TOO_LARGE', `a ${what} has at most ${maxBytes} bytes, not ${bytes.length}`)
}

function malformed(cause: unknown): X0tError {
  return new X0tError('DAO_RECORD_MALFORMED', `not a record of a DAO: ${messageOf(cause)}`, { cause })
}
