import { createHash, sign, verify } from 'node:crypto'
import { X0tError, type Clock, type Random } from '@x0t/core'
import { hybridSign, hybridSignatureBytes, hybridVerify, publicKeyFromRaw, type Identity } from '@x0t/keys'
import { z } from 'zod'
import { svidSubjectOf } from './authority.ts'
import type { JoinToken } from './join-token.ts'
import { nodeName } from './node-name.ts'
import { decodeRecord, encodeRecord, recordBytes, recordTimeMs } from './record.ts'

/** A request made: the bytes to send, and their hash, to which the answer is bound. */
export interface EnrolRequest {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly hash: Uint8Array<ArrayBuffer>
}

/** Largest request, bytes. One has about 11,000 with a token and 5,700 without. */
export const maxEnrolRequestBytes = 16_384
const proofContext = 'x0t/v1/enrol-request'
const tokenContext = Buffer.from('x0t/v1/enrol-token')

const bodyFields = {
  at: recordTimeMs,
  domain: z.string().max(255),
  ed25519: recordBytes({ length: 32 }),
  hostKey: recordBytes({ length: 64 }),
  mldsa65: recordBytes({ length: 1952 }),
  name: nodeName,
  nonce: recordBytes({ length: 16 }),
}
const bodySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...bodyFields,
    kind: z.literal('enrol'),
    authority: recordBytes({ length: 32 }),
    token: z.string().regex(/^[a-z2-7]{13}$/),
  }),
  z.strictObject({ ...bodyFields, kind: z.literal('renew') }),
])
const envelopeSchema = z.strictObject({
  body: recordBytes({ max: 4096 }),
  proof: recordBytes({ length: hybridSignatureBytes }),
  token: z
    .strictObject({ key: recordBytes({ length: 1952 }), signature: recordBytes({ length: 3309 }) })
    .optional(),
})

/** What a request asks for, after the proofs that it carries have been checked. */
export type EnrolRequestBody = z.infer<typeof bodySchema>

/** A request whose signatures hold: by both node keys, and by the key of a token in an enrolment. */
export interface ProvenRequest {
  readonly body: EnrolRequestBody
  /** Public key of the token, which the authority compares with what it stored. */
  readonly tokenKey: Uint8Array<ArrayBuffer> | undefined
  readonly hash: Uint8Array<ArrayBuffer>
}

interface RequestOptions {
  readonly name: string
  readonly clock: Pick<Clock, 'wallMs'>
  readonly random: Random
}

/**
 * Asks for the first SVID. Signed with both node keys and with the key of the token over mesh, authority, token id,
 * nonce and time; the token's secret is not in it, so a member that passes the request on cannot use the token.
 */
export function buildEnrolRequest(
  identity: Identity,
  token: JoinToken,
  options: RequestOptions,
): EnrolRequest {
  const body = encodeRecord({
    ...commonBody(identity, token.trustDomain, options),
    kind: 'enrol',
    authority: token.authorityHash,
    token: token.id,
  })
  const { privateKey, publicRaw } = token.key
  const signature = new Uint8Array(sign(null, body, { key: privateKey, context: tokenContext }))
  return requestOf({
    body,
    proof: hybridSign(identity, body, proofContext),
    token: { key: publicRaw, signature },
  })
}

/** Asks for another SVID, as a node that the authority knows; also long after the last one has ended. */
export function buildRenewRequest(
  identity: Identity,
  options: RequestOptions & { readonly trustDomain: string },
): EnrolRequest {
  const body = encodeRecord({ ...commonBody(identity, options.trustDomain, options), kind: 'renew' })
  return requestOf({ body, proof: hybridSign(identity, body, proofContext) })
}

/**
 * Reads a request and checks its signatures; mesh, token, time and bans are for the authority to judge.
 * @throws X0tError ENROLMENT_MALFORMED, ENROLMENT_PROOF, TOKEN_TAMPERED
 */
export function readEnrolRequest(bytes: Uint8Array): ProvenRequest {
  const code = 'ENROLMENT_MALFORMED'
  const envelope = decodeRecord(bytes, envelopeSchema, {
    name: 'request to the authority',
    maxBytes: maxEnrolRequestBytes,
    code,
  })
  const body = decodeRecord(envelope.body, bodySchema, { name: 'request body', code })
  if ((body.kind === 'enrol') !== (envelope.token !== undefined))
    throw new X0tError(code, 'an enrolment comes with the signature of a token, a renewal without')
  const publicKeys = { ed25519PublicRaw: body.ed25519, mldsa65PublicRaw: body.mldsa65 }
  if (!hybridVerify(publicKeys, envelope.body, proofContext, envelope.proof))
    throw new X0tError('ENROLMENT_PROOF', 'the request is not signed with both keys of the node')
  if (envelope.token) {
    const key = publicKeyFromRaw('mldsa65', envelope.token.key)
    if (!verify(null, envelope.body, { key, context: tokenContext }, envelope.token.signature))
      throw new X0tError('TOKEN_TAMPERED', 'the request is not signed with the key of its token')
  }
  return { body, tokenKey: envelope.token?.key, hash: sha256(bytes) }
}

function commonBody(identity: Identity, domain: string, { name, clock, random }: RequestOptions): object {
  const { publicKeys, hostKeySignature } = svidSubjectOf(identity)
  return {
    at: Math.round(clock.wallMs()),
    domain,
    ed25519: publicKeys.ed25519PublicRaw,
    hostKey: hostKeySignature,
    mldsa65: publicKeys.mldsa65PublicRaw,
    name: nodeName.parse(name),
    nonce: random.bytes(16),
  }
}

function requestOf(envelope: object): EnrolRequest {
  const bytes = encodeRecord(envelope)
  return { bytes, hash: sha256(bytes) }
}

function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}
