import { createHash } from 'node:crypto'
import { X0tError } from '@x0t/core'
import {
  formatSignature,
  parseSignature,
  signatureAlgorithm,
  signatureFormat,
  type ObjectDigest,
  type SigningKeys,
} from './signature-file.ts'

/** Signs with ML-DSA-65 and Ed25519. The keys are the caller's: `@x0t/keys` fits. */
export interface ObjectSigner {
  /** Commits to both keys; a node id. */
  readonly keyId: string
  readonly keys: SigningKeys
  /** @returns ML-DSA-65 signature ‖ Ed25519 signature, 3373 bytes */
  sign(message: Uint8Array, context: string): Uint8Array
}

/** Checks signatures of an {@link ObjectSigner}. */
export interface ObjectVerifier {
  /** The key id that these keys have. */
  keyIdOf(keys: SigningKeys): string
  /** True only if both halves of the signature hold. */
  verify(keys: SigningKeys, message: Uint8Array, context: string, signature: Uint8Array): boolean
}

/** What is signed together: an object file, and the manifest that says how it is used. */
export interface SignedContent {
  readonly object: Uint8Array
  readonly manifest?: Uint8Array
}

/** Every signature of an object is under this context, and so never passes for anything else that a key signs. */
export const objectSignatureContext = 'x0t/v1/bpf-object'

/**
 * Signs an object file, and its manifest if there is one.
 * @returns the text of the detached signature, to be stored as `<object file>.sig`
 */
export function signObject(content: SignedContent, signer: ObjectSigner): string {
  const digests = digestsOf(content)
  const { keyId, keys } = signer
  const signature = signer.sign(messageOf(keyId, digests), objectSignatureContext)
  return formatSignature({ keyId, keys, ...digests, signature })
}

/**
 * Checks a detached signature. Needs no network and no file.
 * @param isTrusted which key ids may sign
 * @returns the key id of the signer
 * @throws X0tError BPF_SIGNATURE_INVALID for a malformed or false signature, or one over something else;
 *   BPF_SIGNATURE_UNTRUSTED for a good one of somebody else
 */
export function verifyObject(
  content: SignedContent,
  signatureText: string,
  {
    verifier,
    isTrusted,
  }: { readonly verifier: ObjectVerifier; readonly isTrusted: (keyId: string) => boolean },
): { readonly keyId: string } {
  const { keyId, keys, object, manifest, signature } = parseSignature(signatureText)
  const found = digestsOf(content)
  if (object !== found.object) throw invalid('the signature is of another object file')
  if (manifest !== found.manifest)
    throw invalid(
      manifest === undefined
        ? 'the signature does not cover the manifest'
        : content.manifest === undefined
          ? 'the signature covers a manifest, and none was given'
          : 'the signature is of another manifest',
    )
  if (verifier.keyIdOf(keys) !== keyId) throw invalid(`the keys in the signature are not those of ${keyId}`)
  if (!verifier.verify(keys, messageOf(keyId, found), objectSignatureContext, signature))
    throw invalid('the signature does not hold')
  if (!isTrusted(keyId))
    throw new X0tError(
      'BPF_SIGNATURE_UNTRUSTED',
      `the object is signed by ${keyId}, which may not sign here`,
      {
        hint: 'sign it with a trusted key: x0t bpf sign FILE',
      },
    )
  return { keyId }
}

function digestsOf({ object, manifest }: SignedContent): ObjectDigest {
  return { object: sha512(object), manifest: manifest === undefined ? undefined : sha512(manifest) }
}

function messageOf(keyId: string, { object, manifest }: ObjectDigest): Uint8Array {
  return Buffer.from(
    [
      signatureFormat,
      signatureAlgorithm,
      keyId,
      `object ${object}`,
      `manifest ${manifest ?? 'none'}`,
      '',
    ].join('\n'),
  )
}

function sha512(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex')
}

function invalid(message: string): X0tError {
  return new X0tError('BPF_SIGNATURE_INVALID', message, {
    hint: 'get object and signature again from whoever made them; or sign what you have checked: x0t bpf sign FILE',
  })
}
