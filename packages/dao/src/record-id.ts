import { createHash } from 'node:crypto'
import { X0tError } from '@x0t/core'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import type { RecordId } from './record.ts'

const dagCbor = 0x71
const sha256 = 0x12

// Four fixed bytes (version, codec, hash, length) and 32 of hash: 288 bits, 58 characters behind the `b` of base32.
const pattern = /^bafyrei[a-h][a-z2-7]{50}[aeimquy4]$/

/** Id of a record: the CID (version 1, dag-cbor, SHA-256) of what was signed, in base32. */
export function recordIdOf(bytes: Uint8Array): RecordId {
  const digest = createHash('sha256').update(bytes).digest()
  return CID.createV1(dagCbor, create(sha256, digest)).toString() as RecordId
}

/** True for the canonical text of a record's id. */
export function isRecordId(text: unknown): text is RecordId {
  return typeof text === 'string' && pattern.test(text)
}

/** @throws X0tError DAO_RECORD_ID_INVALID unless `text` is the id of a record */
export function parseRecordId(text: string): RecordId {
  if (!isRecordId(text)) {
    throw new X0tError(
      'DAO_RECORD_ID_INVALID',
      `${JSON.stringify(text.slice(0, 80))} is not the id of a record`,
      { hint: 'ids begin with bafyrei and have 59 characters; x0t dao list shows them', exitCode: 2 },
    )
  }
  return text
}

/** The 32 bytes of hash inside an id. */
export function digestOfRecordId(id: RecordId): Uint8Array<ArrayBuffer> {
  return new Uint8Array(CID.parse(id).multihash.digest)
}
