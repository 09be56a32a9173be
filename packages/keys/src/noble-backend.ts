import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import type { CryptoBackend } from './crypto-backend.ts'

/**
 * @noble in TypeScript: portable, and an implementation of its own to check the native one against.
 * Its authors claim no constant time, so secrets of a running node stay with the native back end.
 */
export const nobleBackend: CryptoBackend = {
  name: 'noble',
  hkdfSha512: (secret, info, length) => hkdf(sha512, secret, undefined, Buffer.from(info), length),
  ed25519: {
    publicKey: (seed) => ed25519.getPublicKey(seed),
    sign(seed, message, context) {
      refuseContext(context)
      return ed25519.sign(message, seed)
    },
    verify(publicKey, message, signature, context) {
      refuseContext(context)
      // zip215 off: the strict rules of RFC 8032, as OpenSSL has them.
      return falseIfThrows(() => ed25519.verify(signature, message, publicKey, { zip215: false }))
    },
  },
  mldsa65: {
    publicKey: (seed) => ml_dsa65.keygen(seed).publicKey,
    sign(seed, message, context) {
      const { secretKey } = ml_dsa65.keygen(seed)
      try {
        return ml_dsa65.sign(message, secretKey, contextOption(context))
      } finally {
        secretKey.fill(0)
      }
    },
    verify: (publicKey, message, signature, context) =>
      falseIfThrows(() => ml_dsa65.verify(signature, message, publicKey, contextOption(context))),
  },
  mlkem768: {
    publicKey: (seed) => ml_kem768.keygen(seed).publicKey,
    encapsulate(publicKey) {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey)
      return { ciphertext: cipherText, sharedSecret }
    },
    decapsulate(seed, ciphertext) {
      const { secretKey } = ml_kem768.keygen(seed)
      try {
        return ml_kem768.decapsulate(ciphertext, secretKey)
      } finally {
        secretKey.fill(0)
      }
    },
  },
  x25519: {
    publicKey: (privateKey) => x25519.getPublicKey(privateKey),
    sharedSecret: (privateKey, publicKey) => x25519.getSharedSecret(privateKey, publicKey),
  },
}

function contextOption(context: Uint8Array | undefined): { context?: Uint8Array } {
  return context === undefined ? {} : { context }
}

function refuseContext(context: Uint8Array | undefined): void {
  if (context !== undefined && context.length > 0) throw new TypeError('plain Ed25519 takes no context')
}

function falseIfThrows(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false // a key or signature of wrong form
  }
}
