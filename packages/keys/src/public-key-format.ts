import { X0tError } from '@x0t/core'
import { algorithms, keyAlgorithms, type KeyAlgorithm } from './algorithm.ts'
import { publicKeyFromRaw } from './key-object.ts'
import { decodePem, encodePem } from './pem.ts'

/** A public key as bare bytes. */
export interface PublicKeyBytes {
  readonly algorithm: KeyAlgorithm
  readonly raw: Uint8Array
}

/** SubjectPublicKeyInfo (RFC 8410, RFC 9881 §4, RFC 9935 §4) in DER. */
export function encodeSpki({ algorithm, raw }: PublicKeyBytes): Buffer {
  const { spkiPrefix, publicBytes, nodeName } = algorithms[algorithm]
  if (raw.length !== publicBytes)
    throw new RangeError(`a public key of ${nodeName} has ${publicBytes} bytes, not ${raw.length}`)
  return Buffer.concat([Buffer.from(spkiPrefix, 'hex'), raw])
}

/** The same in PEM. */
export function encodePublicKeyPem(key: PublicKeyBytes): string {
  return encodePem('PUBLIC KEY', encodeSpki(key))
}

/**
 * Reads an SPKI byte for byte: one encoding for each key, so that a fingerprint of it means something.
 * @throws X0tError KEY_INVALID (also trailing bytes, ML-KEM coefficients out of range), KEY_ALGORITHM_UNKNOWN
 */
export function decodeSpki(der: Uint8Array): PublicKeyBytes {
  for (const algorithm of keyAlgorithms) {
    const prefix = Buffer.from(algorithms[algorithm].spkiPrefix, 'hex')
    if (!prefix.equals(der.subarray(0, prefix.length))) continue
    return checkedPublicKey(algorithm, der.subarray(prefix.length))
  }
  throw new X0tError(
    'KEY_ALGORITHM_UNKNOWN',
    'the public key is of an algorithm that x0t does not use, or damaged',
    {
      hint: 'known are ed25519, x25519, ml-dsa-65, ml-kem-768',
    },
  )
}

/** Reads a PEM public key. @throws X0tError as {@link decodeSpki}, and KEY_IS_PRIVATE */
export function decodePublicKeyPem(text: string): PublicKeyBytes {
  const { label, bytes } = decodePem(text)
  if (label.endsWith('PRIVATE KEY')) {
    bytes.fill(0)
    throw new X0tError('KEY_IS_PRIVATE', 'the file holds a private key, a public one is expected', {
      hint: 'x0t key public FILE writes the public half',
    })
  }
  if (label !== 'PUBLIC KEY')
    throw new X0tError('KEY_INVALID', `the file holds ${label}, expected PUBLIC KEY`)
  return decodeSpki(bytes)
}

/** A public key checked for length and range. @throws X0tError KEY_INVALID */
export function checkedPublicKey(algorithm: KeyAlgorithm, raw: Uint8Array): PublicKeyBytes {
  try {
    publicKeyFromRaw(algorithm, raw)
  } catch (error) {
    throw new X0tError('KEY_INVALID', `the bytes are no ${algorithms[algorithm].nodeName} public key`, {
      cause: error,
    })
  }
  return { algorithm, raw: Uint8Array.from(raw) }
}
