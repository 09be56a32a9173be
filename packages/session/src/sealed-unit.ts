import { createCipheriv, createDecipheriv } from 'node:crypto'
import { X0tError } from '@x0t/core'
import type { SecurityAssociation } from './security-association.ts'

export const tagBytes = 16
const nonceBytes = 12

/** Largest sequence number: 64 bits, never reused under one key (RFC 4303 §2.2.1). */
export const maxSequence = 2n ** 64n - 1n

/**
 * Seals one unit: ciphertext ‖ 16-byte tag. Nonce = salt ‖ sequence number (RFC 8750 §2: implicit IV; for
 * ChaCha20-Poly1305 the same layout, RFC 7634 §2), additional data = SPI u32 ‖ sequence number u64, big endian.
 * @param sequence from 1, never twice under one association
 * @throws X0tError SEQUENCE_EXHAUSTED
 */
export function sealUnit(
  sa: Pick<SecurityAssociation, 'suite' | 'remoteSpi' | 'sendKey' | 'sendSalt'>,
  sequence: bigint,
  plaintext: Uint8Array,
): Buffer {
  if (sequence > maxSequence) throw new X0tError('SEQUENCE_EXHAUSTED', 'all sequence numbers are used')
  if (sequence < 1n) throw new RangeError(`a sequence number starts at 1, not ${sequence}`)
  const cipher = createCipheriv(aead[sa.suite], sa.sendKey, nonceOf(sa.sendSalt, sequence), {
    authTagLength: tagBytes,
  })
  cipher.setAAD(additionalData(sa.remoteSpi, sequence), { plaintextLength: plaintext.length })
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/**
 * Opens what {@link sealUnit} of the peer made.
 * @throws X0tError UNIT_INVALID where the unit is not authentic; nothing of it is returned
 */
export function openUnit(
  sa: Pick<SecurityAssociation, 'suite' | 'localSpi' | 'receiveKey' | 'receiveSalt'>,
  sequence: bigint,
  sealed: Uint8Array,
): Buffer {
  if (sealed.length < tagBytes || sequence < 1n || sequence > maxSequence)
    throw new X0tError('UNIT_INVALID', 'the unit is shorter than its tag or has no valid sequence number')
  const decipher = createDecipheriv(aead[sa.suite], sa.receiveKey, nonceOf(sa.receiveSalt, sequence), {
    authTagLength: tagBytes,
  })
  const end = sealed.length - tagBytes
  decipher.setAuthTag(sealed.subarray(end))
  decipher.setAAD(additionalData(sa.localSpi, sequence), { plaintextLength: end })
  const plaintext = decipher.update(sealed.subarray(0, end))
  try {
    return Buffer.concat([plaintext, decipher.final()])
  } catch (cause) {
    throw new X0tError('UNIT_INVALID', 'the unit is not authentic', { cause })
  }
}

/** SPI u32 ‖ sequence number u64, big endian. */
export function additionalData(spi: number, sequence: bigint): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32BE(spi, 0)
  bytes.writeBigUInt64BE(sequence, 4)
  return bytes
}

/** Salt (4 bytes) ‖ sequence number u64, big endian. */
export function nonceOf(salt: Uint8Array, sequence: bigint): Buffer {
  const nonce = Buffer.alloc(nonceBytes)
  nonce.set(salt, 0)
  nonce.writeBigUInt64BE(sequence, 4)
  return nonce
}

// The types of node:crypto know each AEAD by its literal; both take the same arguments.
const aead = {
  'aes-256-gcm': 'aes-256-gcm',
  'chacha20-poly1305': 'chacha20-poly1305' as 'aes-256-gcm',
} as const
