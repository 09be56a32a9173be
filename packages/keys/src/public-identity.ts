import { isNodeId, X0tError, type NodeId } from '@x0t/core'
import { keyAlgorithms, type KeyAlgorithm } from './algorithm.ts'
import { ageRecipientOf, bytesOfAgeRecipient } from './age-identity.ts'
import { hybridSign, hybridVerify } from './hybrid-signature.ts'
import { createIdentity, nodeIdOfKeys } from './identity.ts'
import type { IdentityRecord } from './identity-file.ts'
import { decodePublicJwk, encodePublicJwk } from './jwk.ts'
import { maxEpoch } from './master-seed.ts'

/** What others may know of an identity. The id commits to the signature keys, the signature binds the rest to them. */
export interface PublicIdentity {
  readonly name: string
  readonly nodeId: NodeId
  readonly epoch: number
  readonly createdMs: number
  /** Raw public keys. */
  readonly keys: Readonly<Record<KeyAlgorithm, Uint8Array>>
  /** `age1pq1…`: files encrypted to it are opened with the identity file, or by age itself. */
  readonly ageRecipient: string
}

/** Text of a `.pub` file: a JWK Set (RFC 7517) with the id, and a hybrid signature over everything. */
export type PublicIdentityFile = string

const fileType = 'x0t-public-identity'
const context = 'x0t/v1/public-identity'

/** The public identity of a record, signed by its own keys. */
export function publicIdentityFile(record: IdentityRecord): PublicIdentityFile {
  const { name, masterSeed, epoch, createdMs } = record
  const identity = createIdentity(masterSeed, epoch)
  const value: PublicIdentity = {
    name,
    nodeId: identity.nodeId,
    epoch,
    createdMs,
    keys: {
      ed25519: identity.ed25519.publicRaw,
      mldsa65: identity.mldsa65.publicRaw,
      x25519: identity.x25519.publicRaw,
      mlkem768: identity.mlkem768.publicRaw,
    },
    ageRecipient: ageRecipientOf(masterSeed, epoch),
  }
  const signature = hybridSign(identity, signedBytes(value), context)
  const file = {
    type: fileType,
    version: 1,
    name,
    nodeId: value.nodeId,
    epoch,
    created: new Date(createdMs).toISOString(),
    keys: keyAlgorithms.map((algorithm) => encodePublicJwk({ algorithm, raw: value.keys[algorithm] })),
    ageRecipient: value.ageRecipient,
    signature: Buffer.from(signature).toString('base64url'),
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

/** True if the parsed JSON says that it is a public identity. */
export function isPublicIdentity(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === fileType
}

/**
 * Reads a `.pub` file, recomputes the id from the keys and checks the signature.
 * @throws X0tError KEY_INVALID, KEY_VERSION_UNSUPPORTED, KEY_IS_PRIVATE, KEY_ID_MISMATCH, KEY_RECIPIENT_INVALID
 */
export function parsePublicIdentity(text: PublicIdentityFile): PublicIdentity {
  const fields = jsonOf(text)
  if (!isPublicIdentity(fields))
    throw isIdentityType(fields)
      ? new X0tError('KEY_IS_PRIVATE', 'this is an unencrypted identity file, the public one is expected', {
          hint: 'use the .pub file beside it, and never pass the identity file on',
        })
      : invalid('it is another kind of JSON')
  if (typeof fields['version'] === 'number' && fields['version'] > 1)
    throw new X0tError(
      'KEY_VERSION_UNSUPPORTED',
      `the public identity is of version ${fields['version']}, known is 1`,
    )
  const { version, name, nodeId, epoch, created, keys, ageRecipient, signature } = fields
  if (version !== 1 || typeof name !== 'string' || name.length > 200)
    throw invalid('version or name is missing')
  if (typeof epoch !== 'number' || !Number.isInteger(epoch) || epoch < 0 || epoch > maxEpoch)
    throw invalid('its epoch is missing')
  const createdMs = typeof created === 'string' ? Date.parse(created) : Number.NaN
  if (!Number.isSafeInteger(createdMs) || createdMs < 0) throw invalid('its date is missing')
  if (typeof nodeId !== 'string' || !isNodeId(nodeId)) throw invalid('its node id is missing')
  if (typeof ageRecipient !== 'string' || typeof signature !== 'string') throw invalid('a field is missing')
  const value = { name, nodeId, epoch, createdMs, keys: keysOf(keys), ageRecipient }
  const { ed25519, mldsa65 } = value.keys
  if (nodeIdOfKeys(ed25519, mldsa65) !== nodeId)
    throw new X0tError(
      'KEY_ID_MISMATCH',
      `the public identity names ${nodeId}, but its keys belong to another id`,
    )
  const publicKeys = { ed25519PublicRaw: ed25519, mldsa65PublicRaw: mldsa65 }
  if (!hybridVerify(publicKeys, signedBytes(value), context, Buffer.from(signature, 'base64url')))
    throw invalid('its signature does not hold')
  return value
}

function keysOf(value: unknown): Record<KeyAlgorithm, Uint8Array> {
  const found: Partial<Record<KeyAlgorithm, Uint8Array>> = {}
  if (!Array.isArray(value) || value.length !== keyAlgorithms.length)
    throw invalid('it does not hold four keys')
  for (const entry of value as unknown[]) {
    const { algorithm, raw } = decodePublicJwk(entry)
    found[algorithm] = raw
  }
  const { ed25519, mldsa65, x25519, mlkem768 } = found
  if (!ed25519 || !mldsa65 || !x25519 || !mlkem768) throw invalid('it does not hold one key of each kind')
  return { ed25519, mldsa65, x25519, mlkem768 }
}

/** Everything but the name has a fixed length, so no two identities give the same bytes. */
function signedBytes(value: PublicIdentity): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt32BE(value.epoch, 0)
  head.writeBigUInt64BE(BigInt(value.createdMs), 4)
  const { ed25519, mldsa65, x25519, mlkem768 } = value.keys
  return Buffer.concat([
    head,
    ed25519,
    mldsa65,
    x25519,
    mlkem768,
    bytesOfAgeRecipient(value.ageRecipient),
    Buffer.from(value.name),
  ])
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('it is not JSON') // the parser's message would quote the text
  }
}

function isIdentityType(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'x0t-identity'
}

function invalid(why: string): X0tError {
  return new X0tError('KEY_INVALID', `this is no public identity: ${why}`)
}
