import { sign, verify } from 'node:crypto'
import { X0tError, hasCode, messageOf, type NodeId } from '@x0t/core'
import { publicKeyFromRaw } from '@x0t/keys'
import { z } from 'zod'
import type { Authority } from './authority.ts'
import { verifyBanRecord, maxBanRecordBytes, type BanRecord } from './ban-record.ts'
import { maxCertificateBytes } from './certificate.ts'
import { maxChainLength } from './certification-path.ts'
import { decodeRecord, encodeRecord, recordBytes, recordTimeMs } from './record.ts'
import { certificateHash, createTrustBundle, maxAuthorities, type TrustBundle } from './trust-bundle.ts'
import { verifySvid, type VerifiedSvid } from './verify-svid.ts'

/** Largest answer, bytes: bans that do not fit are left for the sync between members. */
export const maxEnrolResponseBytes = 61_440
const signatureContext = Buffer.from('x0t/v1/enrol-response')

/** What an authority answers. */
export type EnrolResult =
  | {
      readonly kind: 'svid'
      readonly chainDer: readonly Uint8Array[]
      readonly bundle: TrustBundle
      readonly bans: readonly BanRecord[]
    }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

/** An answer that holds: everything a node needs to be a member. */
export interface Enrolment {
  readonly chainDer: readonly Uint8Array<ArrayBuffer>[]
  readonly svid: VerifiedSvid
  readonly bundle: TrustBundle
  readonly bans: readonly BanRecord[]
  /** Clock of the authority when it answered. */
  readonly authorityTimeMs: number
}

const der = recordBytes({ max: maxCertificateBytes })
const envelopeSchema = z.strictObject({
  authority: der,
  body: recordBytes({ max: maxEnrolResponseBytes }),
  signature: recordBytes({ length: 3309 }),
})
const bodySchema = z.strictObject({
  at: recordTimeMs,
  request: recordBytes({ length: 32 }),
  result: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('svid'),
      authorities: z.array(der).min(1).max(maxAuthorities),
      bans: z.array(recordBytes({ max: maxBanRecordBytes })).max(64),
      chain: z.array(der).min(1).max(maxChainLength),
    }),
    z.strictObject({
      kind: z.literal('refused'),
      code: z.string().regex(/^[A-Z][A-Z_]{2,39}$/),
      message: z.string().max(500),
    }),
  ]),
})

/** Signs an answer to the request of this hash. A refusal is signed too: else anybody on the way could refuse. */
export function signEnrolResponse(
  authority: Authority,
  answer: { readonly requestHash: Uint8Array; readonly result: EnrolResult; readonly nowMs: number },
): Uint8Array<ArrayBuffer> {
  const result = packResult(answer.result)
  const body = encodeRecord({ at: Math.round(answer.nowMs), request: answer.requestHash, result })
  const signature = sign(null, body, { key: authority.privateKey, context: signatureContext })
  return encodeRecord({ authority: authority.certificateDer, body, signature: new Uint8Array(signature) })
}

function packResult(result: EnrolResult): object {
  if (result.kind === 'refused') return { ...result, message: result.message.slice(0, 500) }
  const authorities = result.bundle.authorities.map((authority) => authority.der)
  // Room for the authority, the signature and the framing: 10,000 bytes.
  let room = maxEnrolResponseBytes - 10_000
  for (const bytes of [...authorities, ...result.chainDer]) room -= bytes.length
  const bans: Uint8Array[] = []
  for (const { record } of result.bans.slice(0, 64)) {
    room -= record.length + 8
    if (room < 0) break
    bans.push(record)
  }
  return { kind: 'svid', authorities, bans, chain: result.chainDer }
}

export interface ReadEnrolResponseOptions {
  readonly requestHash: Uint8Array
  readonly nodeId: NodeId
  readonly trustDomain: string
  /** Whom to believe: SHA-256 of authorities' certificates, one from a token or those of the bundle at hand. */
  readonly authorityHashes: readonly Uint8Array[]
}

/**
 * Reads an authority's answer. Signed by a trusted authority, bound to the request, for the keys of this node; dates
 * are judged by the authority's clock, so that a node with a wrong clock can join and then learn the difference.
 * @throws X0tError ENROLMENT_MALFORMED, ENROLMENT_FORGED, ENROLMENT_MISMATCH; the authority's own code if it refused
 */
export function readEnrolResponse(bytes: Uint8Array, options: ReadEnrolResponseOptions): Enrolment {
  const { requestHash, nodeId, trustDomain, authorityHashes } = options
  const code = 'ENROLMENT_MALFORMED'
  const bounded = { name: "authority's answer", maxBytes: maxEnrolResponseBytes, code }
  const envelope = decodeRecord(bytes, envelopeSchema, bounded)
  verifyAuthority(envelope, trustDomain, authorityHashes)
  const { at, request, result } = decodeRecord(envelope.body, bodySchema, { name: 'answer body', code })
  if (Buffer.compare(request, requestHash) !== 0)
    throw new X0tError('ENROLMENT_MISMATCH', 'the answer belongs to another request')
  if (result.kind === 'refused') throw refusal(result, at)
  try {
    const bundle = createTrustBundle(trustDomain, result.authorities)
    const svid = verifySvid(result.chain, bundle, { nowMs: at, isBanned: () => false })
    if (svid.nodeId !== nodeId) throw new Error(`the SVID is for node ${svid.nodeId}`)
    const bans = result.bans.map((ban) => verifyBanRecord(ban, bundle))
    return { chainDer: result.chain, svid, bundle, bans, authorityTimeMs: at }
  } catch (error) {
    throw new X0tError('ENROLMENT_MISMATCH', `the authority's answer does not hold: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function verifyAuthority(
  { authority, body, signature }: z.infer<typeof envelopeSchema>,
  trustDomain: string,
  authorityHashes: readonly Uint8Array[],
): void {
  const hash = certificateHash(authority)
  if (!authorityHashes.some((trusted) => Buffer.compare(trusted, hash) === 0))
    throw new X0tError(
      'ENROLMENT_FORGED',
      'the answer is signed by an authority that this node does not trust',
    )
  try {
    const { publicKey } = createTrustBundle(trustDomain, [authority]).authorities[0]!
    const key = publicKeyFromRaw('mldsa65', publicKey.raw)
    if (verify(null, body, { key, context: signatureContext }, signature)) return
  } catch (error) {
    if (!hasCode(error, 'BUNDLE_INVALID')) throw error
    throw new X0tError('ENROLMENT_FORGED', messageOf(error), { cause: error })
  }
  throw new X0tError('ENROLMENT_FORGED', 'the signature of the answer does not verify')
}

const hints: Readonly<Record<string, string>> = {
  TOKEN_USED: 'create a token for each node: x0t node invite',
  TOKEN_EXPIRED: 'create a new token: x0t node invite',
  TOKEN_REVOKED: 'create a new token: x0t node invite',
  TOKEN_UNKNOWN: 'create a new token: x0t node invite',
  TOKEN_TAMPERED: 'copy the token again, whole',
  NODE_UNKNOWN: 'join again with a new token',
  ENROLMENT_CLOCK: 'set the clock of this machine',
}

function refusal({ code, message }: { code: string; message: string }, authorityTimeMs: number): X0tError {
  const hint = hints[code]
  return new EnrolRefusedError(code, message, authorityTimeMs, hint === undefined ? {} : { hint })
}

/** The authority's refusal, with its code. `authorityTimeMs` lets a node whose clock is wrong ask again at that time. */
export class EnrolRefusedError extends X0tError {
  readonly authorityTimeMs: number

  constructor(code: string, message: string, authorityTimeMs: number, options: { readonly hint?: string }) {
    super(code, `the authority refused: ${message}`, options)
    this.name = 'EnrolRefusedError'
    this.authorityTimeMs = authorityTimeMs
  }
}
