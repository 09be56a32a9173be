import { systemRandom, type Random } from '@x0t/core'
import { nativeBackend } from './native-backend.ts'

/** Length of a master seed, bytes. Everything an identity needs is derived from it. */
export const masterSeedBytes = 32

/** Highest epoch: rotation counts up in 32 bits. */
export const maxEpoch = 0xffff_ffff

/**
 * What may be derived from a master seed, with the length in bytes.
 * A purpose never changes its meaning or length once released: identities in the field depend on it.
 */
export const derivationPurposes = {
  'sign-ed25519': 32,
  'sign-mldsa65': 32,
  'kem-x25519': 32,
  'kem-mlkem768': 64,
  libp2p: 32,
  age: 32,
} as const

export type DerivationPurpose = keyof typeof derivationPurposes

/** A new master seed. The caller zeroes it when done. */
export function generateMasterSeed(random: Random = systemRandom): Uint8Array<ArrayBuffer> {
  return random.bytes(masterSeedBytes)
}

/**
 * Secret bytes for one purpose: HKDF-SHA512 (RFC 5869) of the master seed, without salt, with
 * info `x0t/v1/<purpose>/<epoch>`. The caller zeroes the result when done.
 * @throws RangeError for a seed of another length or an epoch outside 0 to 2^32-1
 */
export function deriveSecret(
  masterSeed: Uint8Array,
  purpose: DerivationPurpose,
  epoch: number,
): Uint8Array<ArrayBuffer> {
  if (masterSeed.length !== masterSeedBytes)
    throw new RangeError(`a master seed has ${masterSeedBytes} bytes, not ${masterSeed.length}`)
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > maxEpoch)
    throw new RangeError(`an epoch is a whole number from 0 to ${maxEpoch}, not ${epoch}`)
  const info = `x0t/v1/${purpose}/${epoch}`
  return nativeBackend.hkdfSha512(masterSeed, info, derivationPurposes[purpose])
}
