import { createHash, sign, verify } from 'node:crypto'
import { ed25519SignatureBytes, mldsa65SignatureBytes } from './algorithm.ts'
import { publicKeyFromRaw } from './key-object.ts'
import type { Identity } from './identity.ts'

/** Length of a hybrid signature, bytes: ML-DSA-65, then Ed25519. */
export const hybridSignatureBytes = mldsa65SignatureBytes + ed25519SignatureBytes

/** Longest context, bytes. */
export const maxContextBytes = 255

/** The public keys that a hybrid signature is checked with. */
export interface HybridPublicKeys {
  readonly ed25519PublicRaw: Uint8Array
  readonly mldsa65PublicRaw: Uint8Array
}

// Composite ML-DSA, draft-ietf-lamps-pq-composite-sigs, §2.2 and §6: id-MLDSA65-Ed25519-SHA512.
const prefix = Buffer.from('CompositeAlgorithmSignatures2025')
const label = Buffer.from('COMPSIG-MLDSA65-Ed25519-SHA512')

/**
 * Signs `message` with both keys, as Composite ML-DSA `id-MLDSA65-Ed25519-SHA512` does: each signs
 * prefix ‖ label ‖ length of context ‖ context ‖ SHA-512(message), ML-DSA-65 with the label as its own context.
 * @param context names what is signed (`x0t/v1/…`), at most 255 bytes; a signature holds under its context only
 * @returns ML-DSA-65 signature ‖ Ed25519 signature, 3373 bytes; another one each time, as ML-DSA signing is hedged
 * @throws RangeError for a longer context
 */
export function hybridSign(
  identity: Pick<Identity, 'ed25519' | 'mldsa65'>,
  message: Uint8Array,
  context: string | Uint8Array,
): Uint8Array<ArrayBuffer> {
  return hybridSignDigest(identity, sha512(message), context)
}

/** Like {@link hybridSign} for a message that was hashed with SHA-512 while it streamed by. */
export function hybridSignDigest(
  identity: Pick<Identity, 'ed25519' | 'mldsa65'>,
  digest: Uint8Array,
  context: string | Uint8Array,
): Uint8Array<ArrayBuffer> {
  const input = representative(digest, context)
  return new Uint8Array(
    Buffer.concat([
      sign(null, input, { key: identity.mldsa65.privateKey, context: label }),
      sign(null, input, identity.ed25519.privateKey),
    ]),
  )
}

/**
 * True if both halves of `signature` are good under both keys, this message and this context;
 * false for anything else, also for keys and signatures of the wrong length.
 */
export function hybridVerify(
  keys: HybridPublicKeys,
  message: Uint8Array,
  context: string | Uint8Array,
  signature: Uint8Array,
): boolean {
  return hybridVerifyDigest(keys, sha512(message), context, signature)
}

/** Like {@link hybridVerify} for a message that was hashed with SHA-512 while it streamed by. */
export function hybridVerifyDigest(
  keys: HybridPublicKeys,
  digest: Uint8Array,
  context: string | Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== hybridSignatureBytes) return false
  const input = representative(digest, context)
  const ed25519Signature = signature.subarray(mldsa65SignatureBytes)
  try {
    // The cheap one first: most forgeries end there.
    const ed25519Key = publicKeyFromRaw('ed25519', keys.ed25519PublicRaw)
    if (!verify(null, input, ed25519Key, ed25519Signature)) return false
    const mldsa65Key = publicKeyFromRaw('mldsa65', keys.mldsa65PublicRaw)
    const mldsa65Signature = signature.subarray(0, mldsa65SignatureBytes)
    return verify(null, input, { key: mldsa65Key, context: label }, mldsa65Signature)
  } catch {
    return false // bytes that are no key: nothing verifies under them
  }
}

function sha512(message: Uint8Array): Uint8Array {
  return createHash('sha512').update(message).digest()
}

function representative(digest: Uint8Array, context: string | Uint8Array): Uint8Array {
  if (digest.length !== 64) throw new RangeError(`a SHA-512 digest has 64 bytes, not ${digest.length}`)
  const contextBytes = Buffer.from(context)
  if (contextBytes.length > maxContextBytes)
    throw new RangeError(`a context has at most ${maxContextBytes} bytes, not ${contextBytes.length}`)
  return Buffer.concat([prefix, label, Uint8Array.of(contextBytes.length), contextBytes, digest])
}
