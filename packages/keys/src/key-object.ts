import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { algorithms, type KeyAlgorithm } from './algorithm.ts'

/** Native private key of a raw seed. @throws RangeError for a seed of another length */
export function privateKeyFromSeed(algorithm: KeyAlgorithm, seed: Uint8Array): KeyObject {
  const { nodeName, seedBytes } = algorithms[algorithm]
  if (seed.length !== seedBytes)
    throw new RangeError(`a seed of ${nodeName} has ${seedBytes} bytes, not ${seed.length}`)
  // Node calls the same thing raw-private for the curves and raw-seed for the lattices.
  const format = nodeName.startsWith('ml-') ? 'raw-seed' : 'raw-private'
  return createPrivateKey({ key: view(seed), format, asymmetricKeyType: nodeName })
}

/**
 * Native public key of raw bytes.
 * @throws RangeError for another length; Error for bytes that are no key (ML-KEM coefficients out of range)
 */
export function publicKeyFromRaw(algorithm: KeyAlgorithm, raw: Uint8Array): KeyObject {
  const { nodeName, publicBytes } = algorithms[algorithm]
  if (raw.length !== publicBytes)
    throw new RangeError(`a public key of ${nodeName} has ${publicBytes} bytes, not ${raw.length}`)
  return createPublicKey({ key: view(raw), format: 'raw-public', asymmetricKeyType: nodeName })
}

/** Raw bytes of a public key. */
export function rawPublicKey(key: KeyObject): Uint8Array<ArrayBuffer> {
  return new Uint8Array(key.export({ format: 'raw-public' }))
}

/** The public half of a private key. */
export function publicHalf(privateKey: KeyObject): KeyObject {
  return createPublicKey(privateKey)
}

/** The same bytes as a Buffer, without a copy that nobody would zero. */
function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
