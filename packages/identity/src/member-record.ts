import { X0tError, type Clock, type NodeId } from '@x0t/core'
import {
  hybridSign,
  hybridSignatureBytes,
  hybridVerify,
  type HybridPublicKeys,
  type Identity,
} from '@x0t/keys'
import { z } from 'zod'
import { maxCertificateBytes } from './certificate.ts'
import { maxChainLength } from './certification-path.ts'
import { nodeName } from './node-name.ts'
import { decodeRecord, encodeRecord, recordBytes, recordTimeMs } from './record.ts'
import type { TrustBundle } from './trust-bundle.ts'
import { verifySvid, type VerifySvidOptions } from './verify-svid.ts'

/** A member as its record proves it. */
export interface Member {
  readonly nodeId: NodeId
  readonly name: string
  readonly spiffeId: string
  readonly publicKeys: HybridPublicKeys
  readonly ed25519PublicRaw: Uint8Array
  /** When the node made the record, by its own clock. */
  readonly madeAtMs: number
  readonly notAfterMs: number
  readonly chainDer: readonly Uint8Array<ArrayBuffer>[]
  /** The record as it travels. */
  readonly record: Uint8Array<ArrayBuffer>
}

/** Largest member record, bytes. One has about 9,300. */
export const maxMemberRecordBytes = 32_768
const signatureContext = 'x0t/v1/member'

const envelopeSchema = z.strictObject({
  body: recordBytes({ max: maxMemberRecordBytes }),
  signature: recordBytes({ length: hybridSignatureBytes }),
})
const bodySchema = z.strictObject({
  at: recordTimeMs,
  chain: z
    .array(recordBytes({ max: maxCertificateBytes }))
    .min(1)
    .max(maxChainLength),
  name: nodeName,
})

/** The record with which a node tells all members its SVID and its name, signed with both of its keys. */
export function createMemberRecord(
  identity: Identity,
  member: {
    readonly chainDer: readonly Uint8Array[]
    readonly name: string
    readonly clock: Pick<Clock, 'wallMs'>
  },
): Uint8Array<ArrayBuffer> {
  const body = encodeRecord({
    at: Math.round(member.clock.wallMs()),
    chain: member.chainDer,
    name: nodeName.parse(member.name),
  })
  return encodeRecord({ body, signature: hybridSign(identity, body, signatureContext) })
}

/**
 * Reads a member record: the SVID must hold, and both of its keys must have signed the record.
 * @throws X0tError RECORD_MALFORMED, MEMBER_INVALID, and the codes of verifySvid
 */
export function verifyMemberRecord(
  bytes: Uint8Array,
  bundle: TrustBundle,
  options: VerifySvidOptions,
): Member {
  const envelope = decodeRecord(bytes, envelopeSchema, {
    name: 'member record',
    maxBytes: maxMemberRecordBytes,
  })
  const body = decodeRecord(envelope.body, bodySchema, { name: 'member' })
  const { nodeId, spiffeId, notAfterMs, publicKeys } = verifySvid(body.chain, bundle, options)
  if (!hybridVerify(publicKeys, envelope.body, signatureContext, envelope.signature))
    throw new X0tError('MEMBER_INVALID', `the record is not signed by node ${nodeId}, which it names`)
  return {
    nodeId,
    name: body.name,
    spiffeId,
    publicKeys,
    ed25519PublicRaw: publicKeys.ed25519PublicRaw,
    madeAtMs: body.at,
    notAfterMs,
    chainDer: body.chain,
    record: new Uint8Array(bytes),
  }
}
