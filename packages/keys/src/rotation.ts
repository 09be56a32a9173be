import { X0tError, type Clock, type NodeId } from '@x0t/core'
import { algorithms } from './algorithm.ts'
import { hybridSign, hybridSignatureBytes, hybridVerify } from './hybrid-signature.ts'
import { createIdentity, nodeIdOfKeys, type Identity } from './identity.ts'
import type { IdentityRecord } from './identity-file.ts'
import { maxEpoch } from './master-seed.ts'
import { decodePemOf, encodePem } from './pem.ts'

/** What a rotation record proves: the holder of the old keys names the new ones, and the new ones agree. */
export interface Rotation {
  readonly oldNodeId: NodeId
  readonly newNodeId: NodeId
  readonly oldEpoch: number
  readonly newEpoch: number
  readonly createdMs: number
  readonly newEd25519PublicRaw: Uint8Array
  readonly newMldsa65PublicRaw: Uint8Array
}

// Layout, big endian: magic 16 | old epoch u32 | new epoch u32 | time u64 | old keys | new keys | old signature | new one.
const magic = Buffer.from('x0t-rotation-v1\0')
const keysBytes = algorithms.ed25519.publicBytes + algorithms.mldsa65.publicBytes
const bodyBytes = magic.length + 16 + 2 * keysBytes
const recordBytes = bodyBytes + 2 * hybridSignatureBytes
const pemLabel = 'X0T ROTATION RECORD'
const oldContext = 'x0t/v1/rotation'
const newContext = 'x0t/v1/rotation-accept'

/**
 * The next epoch of an identity, from the same master seed, and the record that peers follow it by.
 * Not for a compromised seed: whoever has it has all epochs.
 * @throws X0tError KEY_CLOCK_BEHIND if the clock shows a time before the current epoch was made
 */
export function rotate(
  record: IdentityRecord,
  clock: Clock,
): { next: IdentityRecord; rotationRecord: Buffer } {
  const createdMs = Math.floor(clock.wallMs())
  if (createdMs < record.createdMs)
    throw new X0tError(
      'KEY_CLOCK_BEHIND',
      `the clock shows ${new Date(createdMs).toISOString()}, but the key was made ${new Date(record.createdMs).toISOString()}`,
      { hint: 'set the clock' },
    )
  if (record.epoch >= maxEpoch) throw new RangeError('the last epoch is reached')
  const next = { ...record, epoch: record.epoch + 1, createdMs }
  const before = createIdentity(record.masterSeed, record.epoch)
  const after = createIdentity(next.masterSeed, next.epoch)
  const head = Buffer.alloc(16)
  head.writeUInt32BE(before.epoch, 0)
  head.writeUInt32BE(after.epoch, 4)
  head.writeBigUInt64BE(BigInt(createdMs), 8)
  const body = Buffer.concat([magic, head, ...publicKeys(before), ...publicKeys(after)])
  const rotationRecord = Buffer.concat([
    body,
    hybridSign(before, body, oldContext),
    hybridSign(after, body, newContext),
  ])
  return { next, rotationRecord }
}

/**
 * Checks a rotation record: length, all four signatures, an epoch that grows.
 * The caller still decides whether it follows: is the old id a member, is it not banned, is there no newer record?
 * @throws X0tError KEY_ROTATION_INVALID
 */
export function verifyRotation(bytes: Uint8Array): Rotation {
  const record = Buffer.from(bytes)
  if (record.length !== recordBytes || !record.subarray(0, magic.length).equals(magic))
    throw invalid('it has not the form of one')
  const body = record.subarray(0, bodyBytes)
  const at = magic.length
  const oldEpoch = record.readUInt32BE(at)
  const newEpoch = record.readUInt32BE(at + 4)
  const createdMs = Number(record.readBigUInt64BE(at + 8))
  if (newEpoch <= oldEpoch) throw invalid('the epoch does not grow')
  if (!Number.isSafeInteger(createdMs)) throw invalid('its time is out of range')
  const oldKeys = keysAt(record, at + 16)
  const newKeys = keysAt(record, at + 16 + keysBytes)
  const oldSignature = record.subarray(bodyBytes, bodyBytes + hybridSignatureBytes)
  if (!hybridVerify(oldKeys, body, oldContext, oldSignature)) throw invalid('the old keys did not sign it')
  if (!hybridVerify(newKeys, body, newContext, record.subarray(bodyBytes + hybridSignatureBytes)))
    throw invalid('the new keys did not sign it')
  return {
    oldNodeId: nodeIdOfKeys(oldKeys.ed25519PublicRaw, oldKeys.mldsa65PublicRaw),
    newNodeId: nodeIdOfKeys(newKeys.ed25519PublicRaw, newKeys.mldsa65PublicRaw),
    oldEpoch,
    newEpoch,
    createdMs,
    newEd25519PublicRaw: newKeys.ed25519PublicRaw,
    newMldsa65PublicRaw: newKeys.mldsa65PublicRaw,
  }
}

/** A rotation record as text. */
export function encodeRotationPem(record: Uint8Array): string {
  return encodePem(pemLabel, record)
}

/** The bytes of {@link encodeRotationPem}'s text. @throws X0tError KEY_INVALID */
export function decodeRotationPem(text: string): Buffer {
  return decodePemOf(pemLabel, text)
}

function publicKeys(identity: Identity): Uint8Array[] {
  return [identity.ed25519.publicRaw, identity.mldsa65.publicRaw]
}

function keysAt(
  record: Buffer,
  offset: number,
): { ed25519PublicRaw: Uint8Array; mldsa65PublicRaw: Uint8Array } {
  const middle = offset + algorithms.ed25519.publicBytes
  return {
    ed25519PublicRaw: Uint8Array.from(record.subarray(offset, middle)),
    mldsa65PublicRaw: Uint8Array.from(record.subarray(middle, offset + keysBytes)),
  }
}

function invalid(why: string): X0tError {
  return new X0tError('KEY_ROTATION_INVALID', `the rotation record does not hold: ${why}`, {
    hint: 'do not follow it; the old id stays',
  })
}
