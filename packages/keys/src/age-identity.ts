import { createHash } from 'node:crypto'
import { bech32 } from '@scure/base'
import { X0tError } from '@x0t/core'
import { deriveSecret } from './master-seed.ts'
import { nativeBackend } from './native-backend.ts'

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

/**
 * The age recipient that belongs to {@link ageIdentityOf}, `age1pq1…`: SHAKE256 expands the secret to an ML-KEM-768 seed
 * and an X25519 key, as MLKEM768-X25519 of draft-ietf-hpke-pq does.
 */
export function ageRecipientOf(masterSeed: Uint8Array, epoch: number): string {
  const secret = deriveSecret(masterSeed, 'age', epoch)
  const expanded = createHash('shake256', { outputLength: 96 }).update(secret).digest()
  try {
    const publicBytes = Buffer.concat([
      nativeBackend.mlkem768.publicKey(expanded.subarray(0, 64)),
      nativeBackend.x25519.publicKey(expanded.subarray(64)),
    ])
    // The limit of 90 characters is for Bitcoin addresses; age lifts it.
    return bech32.encode('age1pq', bech32.toWords(publicBytes), false)
  } finally {
    secret.fill(0)
    expanded.fill(0)
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
