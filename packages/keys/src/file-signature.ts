import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { X0tError, type NodeId } from '@x0t/core'
import { algorithms } from './algorithm.ts'
import {
  hybridSignatureBytes,
  hybridSignDigest,
  hybridVerifyDigest,
  maxContextBytes,
  type HybridPublicKeys,
} from './hybrid-signature.ts'
import { nodeIdOfKeys, type Identity } from './identity.ts'
import { decodePemOf, encodePem } from './pem.ts'
import { readFailure } from './read-failure.ts'

// Layout: magic 16 | Ed25519 public 32 | ML-DSA-65 public 1952 | hybrid signature 3373. The signer's keys travel with the
// signature, because the node id, which commits to them, is then all that the verifier needs to know.
const magic = Buffer.from('x0t-signature-v1')
const label = 'X0T SIGNATURE'
const keysEnd = magic.length + algorithms.ed25519.publicBytes + algorithms.mldsa65.publicBytes

/** Every signature of a file is under this context: it can never pass for a record of the mesh. */
const contextPrefix = 'x0t/v1/file/'

/** Result of {@link verifyFile}; the signer is known in both cases, but vouched for only where `valid`. */
export interface FileVerification {
  readonly valid: boolean
  readonly signer: NodeId
}

/** Signs a file of any size; the result is text of about 7 KB. @throws X0tError KEY_NOT_FOUND; RangeError for a long context */
export async function signFile(
  identity: Identity,
  path: string,
  context = '',
  signal?: AbortSignal,
): Promise<string> {
  const signature = hybridSignDigest(identity, await sha512OfFile(path, signal), fileContext(context))
  return encodePem(
    label,
    Buffer.concat([magic, identity.ed25519.publicRaw, identity.mldsa65.publicRaw, signature]),
  )
}

/**
 * Checks a signature of {@link signFile}. Compare `signer` with the id that you expect.
 * @throws X0tError KEY_INVALID if the text is no signature, KEY_NOT_FOUND
 */
export async function verifyFile(
  path: string,
  signatureText: string,
  context = '',
  signal?: AbortSignal,
): Promise<FileVerification> {
  // What is no signature is told before the file is read.
  const { keys, signature } = readSignature(signatureText)
  return verification(keys, signature, await sha512OfFile(path, signal), context)
}

/** As {@link verifyFile}, for content that is in memory. @throws X0tError KEY_INVALID if the text is no signature */
export function verifyContent(content: Uint8Array, signatureText: string, context = ''): FileVerification {
  const { keys, signature } = readSignature(signatureText)
  return verification(keys, signature, createHash('sha512').update(content).digest(), context)
}

function readSignature(text: string): { readonly keys: HybridPublicKeys; readonly signature: Uint8Array } {
  const bytes = decodePemOf(label, text)
  if (bytes.length !== keysEnd + hybridSignatureBytes || !bytes.subarray(0, magic.length).equals(magic))
    throw new X0tError('KEY_INVALID', 'this is no x0t signature of version 1')
  const middle = magic.length + algorithms.ed25519.publicBytes
  const keys = {
    ed25519PublicRaw: bytes.subarray(magic.length, middle),
    mldsa65PublicRaw: bytes.subarray(middle, keysEnd),
  }
  return { keys, signature: bytes.subarray(keysEnd) }
}

function verification(
  keys: HybridPublicKeys,
  signature: Uint8Array,
  digest: Uint8Array,
  context: string,
): FileVerification {
  return {
    valid: hybridVerifyDigest(keys, digest, fileContext(context), signature),
    signer: nodeIdOfKeys(keys.ed25519PublicRaw, keys.mldsa65PublicRaw),
  }
}

function fileContext(context: string): string {
  const longest = maxContextBytes - contextPrefix.length
  if (Buffer.byteLength(context) > longest)
    throw new RangeError(`the context of a file signature has at most ${longest} bytes`)
  return contextPrefix + context
}

async function sha512OfFile(path: string, signal: AbortSignal | undefined): Promise<Buffer> {
  const hash = createHash('sha512')
  try {
    for await (const chunk of createReadStream(path, signal === undefined ? {} : { signal }))
      hash.update(chunk as Buffer)
  } catch (error) {
    throw readFailure(path, error)
  }
  return hash.digest()
}
