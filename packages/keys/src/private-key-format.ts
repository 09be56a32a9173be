import { createPrivateKey, type KeyObject } from 'node:crypto'
import { hasCode, X0tError } from '@x0t/core'
import { algorithms, keyAlgorithms, type KeyAlgorithm } from './algorithm.ts'
import { isWholeSequence } from './der.ts'
import { decryptPkcs8 } from './encrypted-pkcs8.ts'
import { decodePem, encodePem } from './pem.ts'

/** A private key in its shortest form. Zero `seed` when done. */
export interface PrivateKeySeed {
  readonly algorithm: KeyAlgorithm
  readonly seed: Uint8Array
}

/** PKCS#8 that holds only the seed (RFC 8410, RFC 9881 §6, RFC 9935 §6); OpenSSL 3.5 reads it. */
export function encodePkcs8({ algorithm, seed }: PrivateKeySeed): Buffer {
  const { pkcs8Prefix, seedBytes, nodeName } = algorithms[algorithm]
  if (seed.length !== seedBytes)
    throw new RangeError(`a seed of ${nodeName} has ${seedBytes} bytes, not ${seed.length}`)
  return Buffer.concat([Buffer.from(pkcs8Prefix, 'hex'), seed])
}

/** The same in PEM. */
export function encodePrivateKeyPem(key: PrivateKeySeed): string {
  return encodePem('PRIVATE KEY', encodePkcs8(key))
}

/**
 * Reads PKCS#8 that holds the seed, alone or with the expanded key (which must then agree).
 * @throws X0tError KEY_INVALID (also trailing bytes, disagreeing parts), KEY_NO_SEED, KEY_ALGORITHM_UNKNOWN
 */
export function decodePkcs8(der: Uint8Array): PrivateKeySeed {
  for (const algorithm of keyAlgorithms) {
    const { pkcs8Prefix, seedBytes } = algorithms[algorithm]
    const prefix = Buffer.from(pkcs8Prefix, 'hex')
    if (der.length === prefix.length + seedBytes && prefix.equals(der.subarray(0, prefix.length)))
      return { algorithm, seed: Uint8Array.from(der.subarray(prefix.length)) }
  }
  if (!isWholeSequence(der)) throw invalid('its length does not agree with its content')
  return seedOfKeyObject(parse(der))
}

/**
 * Reads a PEM private key; `passphrase` is needed where it is encrypted.
 * @throws X0tError as {@link decodePkcs8}, and KEY_IS_PUBLIC, KEY_PASSPHRASE_NEEDED, KEY_PASSPHRASE_WRONG
 */
export function decodePrivateKeyPem(text: string, passphrase?: string): PrivateKeySeed {
  const { label, bytes } = decodePem(text)
  if (label === 'PUBLIC KEY' || label === 'CERTIFICATE')
    throw new X0tError('KEY_IS_PUBLIC', `the file holds a ${label.toLowerCase()}, a private key is needed`)
  try {
    if (label === 'PRIVATE KEY') return decodePkcs8(bytes)
    if (label === 'ENCRYPTED PRIVATE KEY') return seedOfKeyObject(decryptPkcs8(bytes, passphrase))
  } finally {
    bytes.fill(0)
  }
  throw invalid(`it is labelled ${label}`)
}

function parse(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
  } catch (error) {
    throw invalid(
      hasCode(error, 'ERR_OSSL_INVALID_KEY')
        ? 'its seed and expanded key disagree'
        : 'it is damaged or of an unknown kind',
    )
  }
}

function seedOfKeyObject(key: KeyObject): PrivateKeySeed {
  const algorithm = keyAlgorithms.find((name) => algorithms[name].nodeName === key.asymmetricKeyType)
  if (algorithm === undefined)
    throw new X0tError(
      'KEY_ALGORITHM_UNKNOWN',
      `x0t uses no keys of type ${key.asymmetricKeyType ?? 'unknown'}`,
      {
        hint: 'known are ed25519, x25519, ml-dsa-65, ml-kem-768',
      },
    )
  try {
    const format = algorithms[algorithm].nodeName.startsWith('ml-') ? 'raw-seed' : 'raw-private'
    return { algorithm, seed: new Uint8Array(key.export({ format })) }
  } catch (error) {
    throw new X0tError('KEY_NO_SEED', 'the key file holds the expanded key without its seed', {
      cause: error,
      hint: 'write it again from where it was made, with the seed',
    })
  }
}

function invalid(why: string): X0tError {
  return new X0tError('KEY_INVALID', `this is no PKCS#8 private key: ${why}`)
}
