import { createHash } from 'node:crypto'
import { X0tError, type NodeId } from '@x0t/core'
import { hybridVerify, nodeIdOfKeys, verifyContent } from '@x0t/keys'
import type { Action } from './action.ts'
import { maxArtifactBytes, maxPieceBytes } from './action-check.ts'
import type { RecordBodies, SignedRecord } from './record.ts'

/** A piece of a published file, as a record of kind `artifact` carries it. */
export type ArtifactPiece = RecordBodies['artifact']
export type PublishAction = Action & { readonly type: 'publish_artifact' }

/** What `x0t key sign --context` says for a model. */
export const modelSignatureContext = 'model'

/** SHA-256 in hexadecimal digits, as records name files. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * Cuts a file into the records that carry it.
 * @throws X0tError DAO_ARTIFACT_TOO_LARGE, also for an empty file
 */
export function cutArtifact(bytes: Uint8Array): readonly ArtifactPiece[] {
  if (bytes.length === 0 || bytes.length > maxArtifactBytes)
    throw new X0tError(
      'DAO_ARTIFACT_TOO_LARGE',
      `a published file has 1 to ${maxArtifactBytes} bytes, not ${bytes.length}`,
      { exitCode: 2 },
    )
  const digest = digestOf(bytes)
  const of = Math.ceil(bytes.length / maxPieceBytes)
  return Array.from({ length: of }, (_, index) => ({
    digest,
    index,
    of,
    bytes: bytes.slice(index * maxPieceBytes, (index + 1) * maxPieceBytes),
  }))
}

/**
 * The file of a digest out of records, by whomever they are: the digest alone decides. Pieces of each author are put
 * together by themselves, so that nobody can spoil a file that another has published.
 * @returns the file, or how many pieces of it are here at most
 */
export function joinArtifact(
  records: Iterable<SignedRecord>,
  digest: string,
): Uint8Array | { readonly have: number; readonly of: number } {
  const byAuthor = new Map<string, Map<number, ArtifactPiece>>()
  for (const { record } of records) {
    if (record.kind !== 'artifact' || record.body.digest !== digest || !isPiece(record.body)) continue
    const pieces = byAuthor.get(record.author) ?? new Map<number, ArtifactPiece>()
    byAuthor.set(record.author, pieces.set(record.body.index, record.body))
  }
  let best = { have: 0, of: 0 }
  for (const pieces of byAuthor.values()) {
    const of = [...pieces.values()][0]!.of
    const list = Array.from({ length: of }, (_, index) => pieces.get(index))
    const known = list.filter((piece) => piece?.of === of)
    if (known.length > best.have) best = { have: known.length, of }
    if (known.length < of) continue
    const bytes = new Uint8Array(Buffer.concat(known.map((piece) => piece!.bytes)))
    if (digestOf(bytes) === digest) return bytes
  }
  return best
}

function isPiece({ index, of, bytes }: ArtifactPiece): boolean {
  const most = Math.ceil(maxArtifactBytes / maxPieceBytes)
  return of >= 1 && of <= most && index >= 0 && index < of && bytes.length <= maxPieceBytes
}

/**
 * Checks the detached signature of a file that is published: for a program that of `x0t bpf sign`, for a model that of
 * `x0t key sign --context model`. Needs no network.
 * @returns whose keys signed it
 * @throws X0tError DAO_ARTIFACT_UNSIGNED if it does not hold
 */
export async function signerOfArtifact(
  artifact: PublishAction['artifact'],
  bytes: Uint8Array,
  signatureText: string,
): Promise<NodeId> {
  try {
    if (artifact === 'program') {
      const { verifyObject } = await import('@x0t/bpf')
      const verifier = {
        keyIdOf: (keys: Parameters<typeof hybridVerify>[0]) =>
          nodeIdOfKeys(keys.ed25519PublicRaw, keys.mldsa65PublicRaw),
        verify: hybridVerify,
      }
      return verifyObject({ object: bytes }, signatureText, { verifier, isTrusted: () => true })
        .keyId as NodeId
    }
    const { valid, signer } = verifyContent(bytes, signatureText, modelSignatureContext)
    if (valid) return signer
  } catch (error) {
    if (!(error instanceof X0tError)) throw error
    throw unsigned(error.message, artifact, error)
  }
  throw unsigned('the signature is not of this file and context', artifact)
}

function unsigned(why: string, artifact: PublishAction['artifact'], cause?: unknown): X0tError {
  return new X0tError('DAO_ARTIFACT_UNSIGNED', `the signature of the ${artifact} does not hold: ${why}`, {
    cause,
    hint:
      artifact === 'program'
        ? 'x0t bpf sign FILE --identity KEY'
        : `x0t key sign FILE --identity KEY --context ${modelSignatureContext}`,
    exitCode: 3,
  })
}
