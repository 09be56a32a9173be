import { decapsulate, diffieHellman, encapsulate, hkdfSync, sign, verify } from 'node:crypto'
import { mlkem768CiphertextBytes, type KeyAlgorithm } from './algorithm.ts'
import type { CryptoBackend, Signer } from './crypto-backend.ts'
import { privateKeyFromSeed, publicHalf, publicKeyFromRaw, rawPublicKey } from './key-object.ts'

/** node:crypto, that is OpenSSL inside Node: what x0t runs on. */
export const nativeBackend: CryptoBackend = {
  name: 'native',
  hkdfSha512: (secret, info, length) =>
    new Uint8Array(hkdfSync('sha512', secret, new Uint8Array(0), info, length)),
  ed25519: signer('ed25519'),
  mldsa65: signer('mldsa65'),
  mlkem768: {
    publicKey: (seed) => publicKeyOfSeed('mlkem768', seed),
    encapsulate(publicKey) {
      const { sharedKey, ciphertext } = encapsulate(publicKeyFromRaw('mlkem768', publicKey))
      return { sharedSecret: sharedKey, ciphertext }
    },
    decapsulate(seed, ciphertext) {
      if (ciphertext.length !== mlkem768CiphertextBytes)
        throw new RangeError(
          `an ML-KEM-768 ciphertext has ${mlkem768CiphertextBytes} bytes, not ${ciphertext.length}`,
        )
      return decapsulate(privateKeyFromSeed('mlkem768', seed), ciphertext)
    },
  },
  x25519: {
    publicKey: (privateKey) => publicKeyOfSeed('x25519', privateKey),
    sharedSecret: (privateKey, publicKey) =>
      diffieHellman({
        privateKey: privateKeyFromSeed('x25519', privateKey),
        publicKey: publicKeyFromRaw('x25519', publicKey),
      }),
  },
}

function publicKeyOfSeed(algorithm: KeyAlgorithm, seed: Uint8Array): Uint8Array {
  return rawPublicKey(publicHalf(privateKeyFromSeed(algorithm, seed)))
}

function signer(algorithm: 'ed25519' | 'mldsa65'): Signer {
  // With a context Node turns Ed25519 silently into Ed25519ctx, another scheme: refuse it.
  const options = (context: Uint8Array | undefined): { context?: Uint8Array } => {
    if (context === undefined || context.length === 0) return {}
    if (algorithm === 'ed25519') throw new TypeError('plain Ed25519 takes no context')
    return { context }
  }
  return {
    publicKey: (seed) => publicKeyOfSeed(algorithm, seed),
    sign: (seed, message, context) =>
      sign(null, message, { key: privateKeyFromSeed(algorithm, seed), ...options(context) }),
    verify(publicKey, message, signature, context) {
      const extra = options(context)
      try {
        return verify(null, message, { key: publicKeyFromRaw(algorithm, publicKey), ...extra }, signature)
      } catch {
        return false // no such key: nothing verifies under it
      }
    },
  }
}
