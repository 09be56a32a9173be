import { createHash, type KeyObject } from 'node:crypto'
import { nodeIdFromBytes, type NodeId } from '@x0t/core'
import { algorithms, type KeyAlgorithm } from './algorithm.ts'
import { privateKeyFromSeed, publicHalf, rawPublicKey } from './key-object.ts'
import { deriveSecret, type DerivationPurpose } from './master-seed.ts'

/** A key pair of one algorithm, as native keys. */
export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** The public key as bare bytes, in the length that {@link algorithms} gives. */
  readonly publicRaw: Uint8Array<ArrayBuffer>
}

/** The keys of a node at one epoch. The node id commits to both signature keys. */
export interface Identity {
  readonly nodeId: NodeId
  /** Counts planned rotations: the keys of the next epoch come from the same master seed. */
  readonly epoch: number
  readonly ed25519: KeyPair
  readonly mldsa65: KeyPair
  readonly x25519: KeyPair
  readonly mlkem768: KeyPair
}

const idPrefix = 'x0t-id-v1'

const purposeOf: Readonly<Record<KeyAlgorithm, DerivationPurpose>> = {
  ed25519: 'sign-ed25519',
  mldsa65: 'sign-mldsa65',
  x25519: 'kem-x25519',
  mlkem768: 'kem-mlkem768',
}

/**
 * All keys of one epoch, derived from the master seed. The seed is only read; zero it when done.
 * @throws RangeError for a seed of another length than 32 bytes or an epoch outside 0 to 2^32-1
 */
export function createIdentity(masterSeed: Uint8Array, epoch = 0): Identity {
  const ed25519 = keyPair(masterSeed, 'ed25519', epoch)
  const mldsa65 = keyPair(masterSeed, 'mldsa65', epoch)
  return {
    nodeId: nodeIdOfKeys(ed25519.publicRaw, mldsa65.publicRaw),
    epoch,
    ed25519,
    mldsa65,
    x25519: keyPair(masterSeed, 'x25519', epoch),
    mlkem768: keyPair(masterSeed, 'mlkem768', epoch),
  }
}

/**
 * The id that both public keys together have: SHA-256(`x0t-id-v1` ‖ Ed25519 ‖ ML-DSA-65).
 * Both lengths are fixed, so no two pairs of keys give the same input.
 * @throws RangeError unless the keys have 32 and 1952 bytes
 */
export function nodeIdOfKeys(ed25519PublicRaw: Uint8Array, mldsa65PublicRaw: Uint8Array): NodeId {
  if (ed25519PublicRaw.length !== algorithms.ed25519.publicBytes)
    throw new RangeError(`an Ed25519 public key has 32 bytes, not ${ed25519PublicRaw.length}`)
  if (mldsa65PublicRaw.length !== algorithms.mldsa65.publicBytes)
    throw new RangeError(`an ML-DSA-65 public key has 1952 bytes, not ${mldsa65PublicRaw.length}`)
  const hash = createHash('sha256').update(idPrefix).update(ed25519PublicRaw).update(mldsa65PublicRaw)
  return nodeIdFromBytes(hash.digest())
}

/** The seed of one of the identity's keys; zero it when done. */
export function keySeed(
  masterSeed: Uint8Array,
  algorithm: KeyAlgorithm,
  epoch: number,
): Uint8Array<ArrayBuffer> {
  return deriveSecret(masterSeed, purposeOf[algorithm], epoch)
}

function keyPair(masterSeed: Uint8Array, algorithm: KeyAlgorithm, epoch: number): KeyPair {
  const seed = keySeed(masterSeed, algorithm, epoch)
  try {
    const privateKey = privateKeyFromSeed(algorithm, seed)
    const publicKey = publicHalf(privateKey)
    return { privateKey, publicKey, publicRaw: rawPublicKey(publicKey) }
  } finally {
    seed.fill(0)
  }
}
