import { createHash } from 'node:crypto'
import { X0tError, hasCode, messageOf, type NodeId, type Random } from '@x0t/core'
import { nodeIdOfKeys } from '@x0t/keys'
import { issueSvid, type Authority, type IssuedSvid } from './authority.ts'
import type { BanList } from './ban-list.ts'
import { readEnrolRequest, type EnrolRequestBody, type ProvenRequest } from './enrol-request.ts'
import { signEnrolResponse } from './enrol-response.ts'
import { errorCodes } from './errors.ts'
import { tokenVerifier } from './join-token.ts'
import type { NodeRegistry } from './node-registry.ts'
import type { NonceMemory } from './nonce-memory.ts'
import type { Redemption, TokenStore } from './token-store.ts'
import type { TrustBundle } from './trust-bundle.ts'

/** What an authority judges requests with. `openIdentityStore` has the stores. */
export interface AuthorityState {
  readonly authority: Authority
  /** All authorities of the mesh, this one among them. */
  readonly bundle: TrustBundle
  readonly tokens: TokenStore
  readonly nodes: NodeRegistry
  readonly nonces: NonceMemory
  readonly bans: BanList
  readonly svidTtlMs: number
  readonly random: Random
}

/** The answer to send back, and what happened, for log and counters. */
export interface EnrolOutcome {
  readonly response: Uint8Array<ArrayBuffer>
  readonly kind: 'enrolled' | 'renewed' | 'refused'
  /** Undefined where the request does not prove a node. */
  readonly nodeId: NodeId | undefined
  /** Code of a refusal. */
  readonly code: string | undefined
}

/** How far the clock of a renewing node may be off; replays are impossible after it. */
export const renewalWindowMs = 300_000

/**
 * Answers a request of a node, to enrol (with a token) or to renew (as a node that is known). Never throws for what is
 * in `bytes`: it refuses, in an answer that is signed and bound to the request.
 */
export function handleEnrolRequest(state: AuthorityState, bytes: Uint8Array, nowMs: number): EnrolOutcome {
  const requestHash = new Uint8Array(createHash('sha256').update(bytes).digest())
  let nodeId: NodeId | undefined
  try {
    const request = readEnrolRequest(bytes)
    const { body } = request
    nodeId = nodeIdOfKeys(body.ed25519, body.mldsa65)
    if (state.bans.isBanned(nodeId))
      throw new X0tError('NODE_BANNED', `node ${nodeId} is banned from this mesh`)
    if (body.kind === 'enrol') admit(state, { request, body, nodeId, nowMs })
    else recognise(state, { body, nodeId, nowMs })
    const svid = issue(state, body, nowMs)
    const { bundle, bans } = state
    const result = { kind: 'svid', chainDer: svid.chainDer, bundle, bans: bans.list() } as const
    return {
      response: signEnrolResponse(state.authority, { requestHash, result, nowMs }),
      kind: body.kind === 'enrol' ? 'enrolled' : 'renewed',
      nodeId,
      code: undefined,
    }
  } catch (error) {
    if (!isRefusal(error)) throw error
    const result = { kind: 'refused', code: error.code, message: messageOf(error) } as const
    return {
      response: signEnrolResponse(state.authority, { requestHash, result, nowMs }),
      kind: 'refused',
      nodeId,
      code: error.code,
    }
  }
}

type EnrolBody = Extract<EnrolRequestBody, { kind: 'enrol' }>

/**
 * The token is used before the SVID is made, so that a crash in between can only lose a token, never let it be used
 * twice. The same node may use it again until its end: the answer may have been lost, and the node could renew anyway.
 */
function admit(
  { authority, tokens, nodes }: AuthorityState,
  {
    request,
    body,
    nodeId,
    nowMs,
  }: { request: ProvenRequest; body: EnrolBody; nodeId: NodeId; nowMs: number },
): void {
  if (
    body.domain !== authority.trustDomain ||
    Buffer.compare(body.authority, authority.certificateHash) !== 0
  )
    throw new X0tError(
      'TOKEN_FOREIGN_MESH',
      `the token is for ${body.domain}, or for another authority of it`,
    )
  const token = tokens.find(body.token)
  if (!token) throw refusedToken('unknown')
  // Before anything is said about the token: only who holds it may learn its state.
  if (!request.tokenKey || Buffer.compare(tokenVerifier(request.tokenKey), token.verifier) !== 0)
    throw new X0tError('TOKEN_TAMPERED', 'the token is not as this authority issued it')
  const redemption = tokens.redeem(body.token, nodeId, nowMs)
  if (redemption !== 'redeemed' && redemption !== 'repeated') throw refusedToken(redemption)
  const publicKeys = { ed25519PublicRaw: body.ed25519, mldsa65PublicRaw: body.mldsa65 }
  nodes.add({ nodeId, name: body.name, publicKeys, enrolledAtMs: nowMs, tokenId: token.id })
}

function refusedToken(redemption: Exclude<Redemption, 'redeemed' | 'repeated'>): X0tError {
  const refusals = {
    used: ['TOKEN_USED', 'another node has used the token'],
    expired: ['TOKEN_EXPIRED', 'the token is past its end'],
    revoked: ['TOKEN_REVOKED', 'the token was revoked'],
    unknown: ['TOKEN_UNKNOWN', 'this authority has no such token'],
  } as const
  const [code, message] = refusals[redemption]
  return new X0tError(code, message)
}

function recognise(
  { authority, nodes, nonces }: AuthorityState,
  { body, nodeId, nowMs }: { body: EnrolRequestBody; nodeId: NodeId; nowMs: number },
): void {
  if (body.domain !== authority.trustDomain)
    throw new X0tError(
      'NODE_UNKNOWN',
      `this is the authority of ${authority.trustDomain}, not of ${body.domain}`,
    )
  const known = nodes.find(nodeId)
  if (!known) throw new X0tError('NODE_UNKNOWN', `node ${nodeId} is not known here`)
  if (Math.abs(nowMs - body.at) > renewalWindowMs)
    throw new X0tError(
      'ENROLMENT_CLOCK',
      `the request was made at ${new Date(body.at).toISOString()}; the authority has ${new Date(nowMs).toISOString()}`,
    )
  if (!nonces.take(body.nonce, nowMs, body.at + renewalWindowMs))
    throw new X0tError('ENROLMENT_REPLAYED', 'this request was answered before')
  if (known.name !== body.name) nodes.add({ ...known, name: body.name })
}

function issue(
  { authority, nodes, svidTtlMs, random }: AuthorityState,
  body: EnrolRequestBody,
  nowMs: number,
): IssuedSvid {
  const svid = issueSvid(authority, {
    publicKeys: { ed25519PublicRaw: body.ed25519, mldsa65PublicRaw: body.mldsa65 },
    hostKeySignature: body.hostKey,
    ttlMs: svidTtlMs,
    clock: { wallMs: () => nowMs },
    random,
  })
  nodes.noteSvid(svid, nowMs)
  return svid
}

/** What a request can be guilty of, unlike a full disk or a bug. */
function isRefusal(error: unknown): error is X0tError {
  return error instanceof Error && Object.keys(errorCodes).some((code) => hasCode(error, code))
}
