import { messageOf, systemClock, systemRandom, X0tError, type Clock, type Log, type Random } from '@x0t/core'
import {
  buildEnrolRequest,
  createBanList,
  enrolmentPeerOfSocket,
  parseJoinToken,
  readEnrolResponse,
  type Enrolment,
  type JoinToken,
} from '@x0t/identity'
import { parseAddress, requestEnrolment, type Address } from '@x0t/libp2p'
import { homeAt } from './home.ts'
import { openNodeState } from './node-state.ts'
import { describeNode, openIdentity, type NodeIdentity } from './node-identity.ts'

export interface JoinOptions {
  readonly home: string
  /** Join token as `x0t node invite` printed it. */
  readonly token: string
  /** `host:port` of a member to enrol through; the addresses in the token otherwise. */
  readonly via?: string
  readonly name: string
  readonly log: Log
  readonly signal?: AbortSignal
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * Enrols the node of a home in a mesh. Every address of the token is tried; a refusal of the authority ends the
 * attempt, since it is signed and the next member would bring the same.
 * @throws X0tError NODE_IS_MEMBER, TOKEN_…, ENROLMENT_…, JOIN_UNREACHABLE
 */
export async function joinMesh(options: JoinOptions): Promise<NodeIdentity & { readonly created: boolean }> {
  const { log, clock = systemClock, random = systemRandom } = options
  const token = parseJoinToken(options.token)
  if (token.expiresAtMs < clock.wallMs())
    throw new X0tError('TOKEN_EXPIRED', `the token ended at ${new Date(token.expiresAtMs).toISOString()}`, {
      hint: 'ask for a new token: x0t node invite; or check the clock of this machine: x0t node doctor',
    })
  const home = homeAt(options.home)
  const name = token.name ?? options.name
  const { identity, store } = await openIdentity(home, { name, random, clock })
  await using owned = store
  const membership = owned.readMembership()
  if (membership !== undefined)
    throw new X0tError(
      'NODE_IS_MEMBER',
      `${home.directory} holds a member of ${membership.bundle.trustDomain}`,
      {
        hint: 'x0t node start starts it; another mesh needs another home: --home DIR',
      },
    )
  const request = buildEnrolRequest(identity, token, { name, clock, random })
  const addresses = (options.via === undefined ? token.addresses : [options.via]).map(parseAddress)
  const response = await askMembers(addresses, token, request.bytes, { log, clock, signal: options.signal })
  const enrolment: Enrolment = readEnrolResponse(response, {
    requestHash: request.hash,
    nodeId: identity.nodeId,
    trustDomain: token.trustDomain,
    authorityHashes: [token.authorityHash],
  })
  const bans = createBanList(enrolment.bundle, owned.banStore)
  for (const ban of enrolment.bans) bans.merge(ban)
  {
    using state = openNodeState(home.stateFile)
    state.rememberAddresses(addresses, clock.wallMs())
  }
  owned.writeMembership({ chainDer: enrolment.chainDer, bundle: enrolment.bundle })
  log.info('joined', { trustDomain: token.trustDomain, nodeId: identity.nodeId })
  return { ...describeNode(identity.nodeId, token.trustDomain), created: true }
}

async function askMembers(
  addresses: readonly Address[],
  token: JoinToken,
  request: Uint8Array,
  { log, clock, signal }: { log: Log; clock: Clock; signal: AbortSignal | undefined },
): Promise<Uint8Array> {
  const failures: string[] = []
  let last: unknown
  for (const address of addresses) {
    try {
      return await requestEnrolment({
        address,
        request,
        // Before the first byte is sent: who answers is a member of the mesh that the token names.
        authority: { verify: (socket) => enrolmentPeerOfSocket(socket, token, { nowMs: clock.wallMs() }) },
        clock,
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (error) {
      signal?.throwIfAborted()
      log.warn('join-address-failed', {
        address: `${address.host}:${address.port}`,
        reason: messageOf(error),
      })
      failures.push(messageOf(error))
      last = error
    }
  }
  if (addresses.length === 1 && last instanceof X0tError) throw last
  throw new X0tError('JOIN_UNREACHABLE', `no member answered:\n  ${failures.join('\n  ')}`, {
    cause: last,
    hint: 'check that a member runs and that its port is open; --via HOST:PORT names another member',
  })
}
