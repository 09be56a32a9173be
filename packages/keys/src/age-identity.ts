import { bech32 } from '@scure/base'
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js'
import { X0tError } from '@x0t/core'
import { deriveSecret } from './master-seed.ts'

/** Length of a post-quantum age recipient, bytes: ML-KEM-768 and X25519 public keys. */
export const ageRecipientBytes = 1216

/**
 * The age identity of a master seed, `AGE-SECRET-KEY-PQ-1…`: age 1.3 and later opens files with it.
 * A string cannot be zeroed: keep it short-lived.
 */
export function ageIdentityOf(masterSeed: Uint8Array, epoch: number): string {
  const secret = deriveSecret(masterSeed, 'age', epoch)
  try {
    return bech32.encodeFromBytes('AGE-SECRET-KEY-PQ-', secret).toUpperCase()
  } finally {
    secret.fill(0)
  }
}

/** The age recipient that belongs to {@link ageIdentityOf}, `age1pq1…`: ML-KEM-768 with X25519. */
export function ageRecipientOf(masterSeed: Uint8Array, epoch: number): string {
  const secret = deriveSecret(masterSeed, 'age', epoch)
  try {
    // The limit of 90 characters is for Bitcoin addresses; age lifts it.
    return bech32.encode('age1pq', bech32.toWords(ml_kem768_x25519.getPublicKey(secret)), false)
  } finally {
    secret.fill(0)
  }
}

/** The 1216 bytes of an `age1pq1…` recipient. @throws X0tError KEY_RECIPIENT_INVALID */
export function bytesOfAgeRecipient(recipient: string): Uint8Array {
  try {
    const { prefix, words } = bech32.decode(recipient as `${string}1${string}`, 4096)
    const bytes = bech32.fromWords(words)
    if (prefix === 'age1pq' && bytes.length === ageRecipientBytes) return bytes
  } catch {
    // said below
  }
  throw new X0tError('KEY_RECIPIENT_INVALID', 'this is not a post-quantum age recipient (age1pq1…)')
}
