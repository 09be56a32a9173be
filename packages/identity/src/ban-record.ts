import { sign, verify } from 'node:crypto'
import { X0tError, bytesOfNodeId, nodeIdFromBytes, type Clock, type NodeId } from '@x0t/core'
import { publicKeyFromRaw } from '@x0t/keys'
import { z } from 'zod'
import type { Authority } from './authority.ts'
import { decodeRecord, encodeRecord, recordBytes, recordCounter, recordTimeMs } from './record.ts'
import { authorityByHash, type TrustBundle } from './trust-bundle.ts'

/** A ban, or the end of one (`lifted`), as an authority signed it. The highest serial of a node holds. */
export interface BanRecord {
  readonly nodeId: NodeId
  readonly serial: number
  readonly lifted: boolean
  readonly bannedAtMs: number
  readonly reason: string
  /** The record as it travels: what was signed stays as the authority encoded it. */
  readonly record: Uint8Array<ArrayBuffer>
}

/** Largest ban record, bytes. */
export const maxBanRecordBytes = 8192
const maxReasonLength = 256
const signatureContext = Buffer.from('x0t/v1/ban')

const envelopeSchema = z.strictObject({
  body: recordBytes({ max: 4096 }),
  signature: recordBytes({ length: 3309 }),
})
const bodySchema = z.strictObject({
  at: recordTimeMs,
  authority: recordBytes({ length: 32 }),
  domain: z.string().max(255),
  lifted: z.boolean(),
  node: recordBytes({ length: 32 }),
  reason: z.string().max(maxReasonLength),
  serial: recordCounter,
})

/**
 * Bans a node, or lifts its ban. `serial` must be higher than that of any record about the node (`BanList.nextSerial`).
 * @throws RangeError for a longer reason than 256 characters or a serial that is no counter
 */
export function createBanRecord(
  authority: Authority,
  ban: {
    readonly nodeId: NodeId
    readonly serial: number
    readonly reason?: string
    readonly lifted?: boolean
    readonly clock: Pick<Clock, 'wallMs'>
  },
): BanRecord {
  const reason = ban.reason ?? ''
  if (reason.length > maxReasonLength)
    throw new RangeError(`a reason has at most ${maxReasonLength} characters`)
  if (!Number.isSafeInteger(ban.serial) || ban.serial < 0)
    throw new RangeError(`${ban.serial} is no serial number`)
  const bannedAtMs = Math.round(ban.clock.wallMs())
  const lifted = ban.lifted ?? false
  const body = encodeRecord({
    at: bannedAtMs,
    authority: authority.certificateHash,
    domain: authority.trustDomain,
    lifted,
    node: bytesOfNodeId(ban.nodeId),
    reason,
    serial: ban.serial,
  })
  const signature = sign(null, body, { key: authority.privateKey, context: signatureContext })
  const record = encodeRecord({ body, signature: new Uint8Array(signature) })
  return { nodeId: ban.nodeId, serial: ban.serial, lifted, bannedAtMs, reason, record }
}

/**
 * Reads a ban record that an authority of the bundle signed.
 * @throws X0tError RECORD_MALFORMED; BAN_INVALID for another mesh, an unknown authority, a signature that does not hold
 */
export function verifyBanRecord(bytes: Uint8Array, bundle: TrustBundle): BanRecord {
  const envelope = decodeRecord(bytes, envelopeSchema, { name: 'ban record', maxBytes: maxBanRecordBytes })
  const body = decodeRecord(envelope.body, bodySchema, { name: 'ban' })
  if (body.domain !== bundle.trustDomain)
    throw new X0tError('BAN_INVALID', `the ban is of mesh ${body.domain}, not of ${bundle.trustDomain}`)
  const authority = authorityByHash(bundle, body.authority)
  if (!authority)
    throw new X0tError('BAN_INVALID', 'the ban is signed by an authority that is not in the bundle')
  const key = publicKeyFromRaw('mldsa65', authority.publicKey.raw)
  if (!verify(null, envelope.body, { key, context: signatureContext }, envelope.signature))
    throw new X0tError('BAN_INVALID', 'the signature of the ban does not verify')
  const { lifted, serial, reason } = body
  return {
    nodeId: nodeIdFromBytes(body.node),
    serial,
    lifted,
    bannedAtMs: body.at,
    reason,
    record: new Uint8Array(bytes),
  }
}
