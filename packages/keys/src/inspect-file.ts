import { createHash } from 'node:crypto'
import { base32Encode, hasCode, X0tError, type NodeId } from '@x0t/core'
import { isAgeArmor, protectionOfArmor } from './age-file.ts'
import type { KeyAlgorithm } from './algorithm.ts'
import { parseIdentity } from './identity-file.ts'
import { decodePrivateJwk, decodePublicJwk } from './jwk.ts'
import { nativeBackend } from './native-backend.ts'
import { decodePem } from './pem.ts'
import { decodePrivateKeyPem } from './private-key-format.ts'
import { isPublicIdentity, parsePublicIdentity } from './public-identity.ts'
import { decodePublicKeyPem, encodeSpki, type PublicKeyBytes } from './public-key-format.ts'
import { decodeRotationPem, verifyRotation } from './rotation.ts'
import { readPublicFile } from './secret-file.ts'

/** What a file is, as far as it shows without a passphrase. Never holds a secret. */
export type KeyFileSummary =
  | {
      readonly kind: 'identity' | 'public-identity'
      readonly nodeId: NodeId
      readonly name: string
      readonly epoch: number
      readonly createdMs: number
      readonly encrypted: false
    }
  | {
      readonly kind: 'encrypted-file'
      readonly encrypted: true
      readonly protection: 'passphrase' | 'recipients'
    }
  | { readonly kind: 'encrypted-private-key'; readonly encrypted: true }
  | {
      readonly kind: 'private-key' | 'public-key'
      readonly algorithm: KeyAlgorithm
      /** {@link keyIdOf} of the public half. */
      readonly keyId: string
      readonly encrypted: false
    }
  | {
      readonly kind: 'rotation'
      readonly oldNodeId: NodeId
      readonly newNodeId: NodeId
      readonly oldEpoch: number
      readonly newEpoch: number
      readonly createdMs: number
      readonly encrypted: false
    }
  | { readonly kind: 'signature'; readonly encrypted: false }

/** Id of a single key: lower-case base32 of SHA-256 over its SPKI. */
export function keyIdOf(key: PublicKeyBytes): string {
  return base32Encode(createHash('sha256').update(encodeSpki(key)).digest())
}

/** Tells what a file is. @throws X0tError KEY_INVALID and the codes of the format it seems to be */
export async function inspectKeyFile(path: string): Promise<KeyFileSummary> {
  const content = await readPublicFile(path)
  try {
    return inspectKeyText(content.toString('utf8'))
  } finally {
    content.fill(0)
  }
}

/** The same for text. */
export function inspectKeyText(text: string): KeyFileSummary {
  if (isAgeArmor(text))
    return { kind: 'encrypted-file', encrypted: true, protection: protectionOfArmor(text) }
  return text.trimStart().startsWith('{') ? inspectJson(text) : inspectPem(text)
}

function inspectPem(text: string): KeyFileSummary {
  const { label, bytes } = decodePem(text)
  bytes.fill(0)
  switch (label) {
    case 'PRIVATE KEY': {
      const { algorithm, seed } = decodePrivateKeyPem(text)
      return privateKey(algorithm, seed)
    }
    case 'ENCRYPTED PRIVATE KEY':
      return { kind: 'encrypted-private-key', encrypted: true }
    case 'PUBLIC KEY':
      return publicKey(decodePublicKeyPem(text))
    case 'X0T ROTATION RECORD': {
      const { oldNodeId, newNodeId, oldEpoch, newEpoch, createdMs } = verifyRotation(decodeRotationPem(text))
      return { kind: 'rotation', oldNodeId, newNodeId, oldEpoch, newEpoch, createdMs, encrypted: false }
    }
    case 'X0T SIGNATURE':
      return { kind: 'signature', encrypted: false }
    default:
      throw new X0tError('KEY_INVALID', `x0t knows no PEM files labelled ${label}`)
  }
}

function inspectJson(text: string): KeyFileSummary {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new X0tError('KEY_INVALID', 'the file begins like JSON, but is none')
  }
  if (isPublicIdentity(value)) {
    const { nodeId, name, epoch, createdMs } = parsePublicIdentity(text)
    return { kind: 'public-identity', nodeId, name, epoch, createdMs, encrypted: false }
  }
  if (typeof value === 'object' && value !== null && 'kty' in value) {
    try {
      return publicKey(decodePublicJwk(value))
    } catch (error) {
      if (!hasCode(error, 'KEY_IS_PRIVATE')) throw error
      const { algorithm, seed } = decodePrivateJwk(value)
      return privateKey(algorithm, seed)
    }
  }
  const { identity, name, epoch, createdMs, masterSeed } = parseIdentity(Buffer.from(text))
  masterSeed.fill(0)
  return { kind: 'identity', nodeId: identity.nodeId, name, epoch, createdMs, encrypted: false }
}

function publicKey(key: PublicKeyBytes): KeyFileSummary {
  return { kind: 'public-key', algorithm: key.algorithm, keyId: keyIdOf(key), encrypted: false }
}

function privateKey(algorithm: KeyAlgorithm, seed: Uint8Array): KeyFileSummary {
  const keyId = keyIdOf({ algorithm, raw: nativeBackend[algorithm].publicKey(seed) })
  seed.fill(0)
  return { kind: 'private-key', algorithm, keyId, encrypted: false }
}
