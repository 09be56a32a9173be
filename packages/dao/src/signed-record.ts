import { X0tError, messageOf } from '@x0t/core'
import { hybridSign, hybridSignatureBytes, hybridVerify, type Identity } from '@x0t/keys'
import { contextOf } from './lane.ts'
import { maxSignedRecordBytes } from './limits.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { recordIdOf } from './record-id.ts'
import { decodeStrict, encodeStrict } from './strict-cbor.ts'
import type { MemberKeys, RecordBodies, RecordHead, RecordKind, SignedRecord } from './record.ts'

/**
 * Signs a record with both keys of an identity, under the context of its kind.
 * @throws X0tError DAO_RECORD_MALFORMED, DAO_RECORD_TOO_LARGE if no other node would take it
 */
export function signRecord<Kind extends RecordKind>(
  identity: Pick<Identity, 'ed25519' | 'mldsa65'>,
  head: Omit<RecordHead, 'v'>,
  kind: Kind,
  body: RecordBodies[Kind],
): SignedRecord {
  const { bytes, record } = encodeRecord(head, kind, body)
  const signature = hybridSign(identity, bytes, contextOf(kind))
  return { id: recordIdOf(bytes), record: record as SignedRecord['record'], bytes, signature }
}

/** True if both signatures hold under these keys and the context of the record's kind. */
export function verifyRecord(signed: SignedRecord, keys: MemberKeys): boolean {
  return verifyBytes(signed.bytes, contextOf(signed.record.kind), signed.signature, keys)
}

/** Like {@link verifyRecord}, of what a worker thread gets. */
export function verifyBytes(
  bytes: Uint8Array,
  context: string,
  signature: Uint8Array,
  keys: MemberKeys,
): boolean {
  const publicKeys = { ed25519PublicRaw: keys.ed25519, mldsa65PublicRaw: keys.mldsa65 }
  return hybridVerify(publicKeys, bytes, context, signature)
}

/** A signed record as it is kept and carried: dag-cbor of `[bytes, signature]`. */
export function encodeSigned(signed: Pick<SignedRecord, 'bytes' | 'signature'>): Uint8Array<ArrayBuffer> {
  return encodeStrict([signed.bytes, signed.signature])
}

/**
 * Reads a signed record strictly; its signature is not checked here, as only the state knows the keys.
 * @throws X0tError DAO_RECORD_MALFORMED, DAO_RECORD_TOO_LARGE
 */
export function decodeSigned(envelope: Uint8Array): SignedRecord {
  if (envelope.length > maxSignedRecordBytes) {
    throw new X0tError(
      'DAO_RECORD_TOO_LARGE',
      `a signed record has at most ${maxSignedRecordBytes} bytes, not ${envelope.length}`,
    )
  }
  const [bytes, signature] = splitEnvelope(envelope)
  return { id: recordIdOf(bytes), record: decodeRecord(bytes), bytes, signature }
}

function splitEnvelope(envelope: Uint8Array): [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] {
  let problem: string
  try {
    const value = decodeStrict(envelope)
    if (Array.isArray(value) && value.length === 2) {
      const [bytes, signature] = value as unknown[]
      if (bytes instanceof Uint8Array && signature instanceof Uint8Array) {
        if (signature.length === hybridSignatureBytes)
          return [new Uint8Array(bytes), new Uint8Array(signature)]
        problem = `a signature has ${hybridSignatureBytes} bytes, not ${signature.length}`
      } else problem = 'not two byte strings'
    } else problem = 'not a list of two'
  } catch (error) {
    problem = messageOf(error)
  }
  throw new X0tError('DAO_RECORD_MALFORMED', `not a signed record: ${problem}`)
}
