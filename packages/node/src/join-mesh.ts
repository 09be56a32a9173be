import {
  hasCode,
  messageOf,
  systemClock,
  systemRandom,
  X0tError,
  type Clock,
  type Log,
  type Random,
} from '@x0t/core'
import {
  buildEnrolRequest,
  createBanList,
  enrolmentPeerOfSocket,
  EnrolRefusedError,
  parseJoinToken,
  readEnrolResponse,
  svidSubjectOf,
  type Enrolment,
  type JoinToken,
} from '@x0t/identity'
import { parseAddress, requestEnrolment, type Address } from '@x0t/libp2p'
import { homeAt, type Home } from './home.ts'
import { writingHome } from './home-failure.ts'
import { openNodeState } from './node-state.ts'
import { describeNode, openIdentity, type NodeIdentity } from './node-identity.ts'

export interface JoinOptions {
  readonly home: string
  /** Join token as `x0t node invite` printed it. */
  readonly token: string
  /** `host:port` of a member to enrol through; the addresses in the token otherwise. */
  readonly via?: string
  /** Name of the node where the token gives none. */
  readonly name: string
  /** `name` was chosen for this node, and goes before that of the token. */
  readonly isNameChosen?: boolean
  readonly log: Log
  readonly signal?: AbortSignal
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * Enrols the node of a home in a mesh. Every address of the token is tried, also after one that brought an answer which
 * does not hold; a refusal of the authority ends the attempt, since it is signed and the next member would bring the
 * same.
 * @throws X0tError NODE_IS_MEMBER, TOKEN_…, ENROLMENT_…, JOIN_UNREACHABLE, HOME_UNWRITABLE
 */
export async function joinMesh(options: JoinOptions): Promise<NodeIdentity & { readonly created: boolean }> {
  return await writingHome(homeAt(options.home), () => enrolNode(options))
}

async function enrolNode(options: JoinOptions): Promise<NodeIdentity & { readonly created: boolean }> {
  const { log, clock = systemClock, random = systemRandom } = options
  const token = parseJoinToken(options.token)
  if (token.expiresAtMs < clock.wallMs())
    throw new X0tError('TOKEN_EXPIRED', `the token ended at ${new Date(token.expiresAtMs).toISOString()}`, {
      hint: 'ask for a new token: x0t node invite; or check the clock of this machine: x0t node doctor',
    })
  const home = homeAt(options.home)
  const name = options.isNameChosen === true ? options.name : (token.name ?? options.name)
  const { identity, store } = await openIdentity(home, { name, random, clock })
  await using owned = store
  const membership = owned.readMembership()
  if (membership !== undefined) throw isMember(home, membership.bundle.trustDomain)
  // The making of a mesh was interrupted here: its authority must not come to serve another mesh.
  const authority = await owned.readAuthority()
  if (authority !== undefined) throw isMember(home, authority.trustDomain)
  const request = buildEnrolRequest(identity, token, { name, clock, random })
  const addresses = (options.via === undefined ? token.addresses : [options.via]).map(parseAddress)
  const enrolment = await askPatiently(addresses, token, request.bytes, {
    read: (response) =>
      readEnrolResponse(response, {
        requestHash: request.hash,
        nodeId: identity.nodeId,
        trustDomain: token.trustDomain,
        authorityHashes: [token.authorityHash],
      }),
    log,
    clock,
    signal: options.signal,
  })
  const bans = createBanList(enrolment.bundle, owned.banStore)
  for (const ban of enrolment.bans) bans.merge(ban)
  {
    using state = openNodeState(home.stateFile, log)
    state.rememberAddresses(addresses, clock.wallMs())
  }
  owned.nodes.add({
    nodeId: identity.nodeId,
    name,
    publicKeys: svidSubjectOf(identity).publicKeys,
    enrolledAtMs: clock.wallMs(),
    tokenId: undefined,
  })
  // Written last, as when a mesh is made: a join that was interrupted before is simply made again.
  owned.writeMembership({ chainDer: enrolment.chainDer, bundle: enrolment.bundle })
  log.info('joined', { trustDomain: token.trustDomain, nodeId: identity.nodeId })
  return { ...describeNode(identity.nodeId, token.trustDomain), created: true }
}

interface Asking {
  /** Verifies an answer. */
  readonly read: (response: Uint8Array) => Enrolment
  readonly log: Log
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
}

/** Members that are there but have no answer are asked so often: their way to the authority may be new, or broken. */
const rounds = 4
const roundMs = 1000

async function askPatiently(
  addresses: readonly Address[],
  token: JoinToken,
  request: Uint8Array,
  asking: Asking,
): Promise<Enrolment> {
  for (let round = 1; ; round++) {
    try {
      return await askMembers(addresses, token, request, asking)
    } catch (error) {
      if (round === rounds || !hasCode(error, 'ENROL_REFUSED')) throw error
      await new Promise<void>((resolve) => void asking.clock.setTimer(roundMs, resolve))
      asking.signal?.throwIfAborted()
    }
  }
}

async function askMembers(
  addresses: readonly Address[],
  token: JoinToken,
  request: Uint8Array,
  { read, log, clock, signal }: Asking,
): Promise<Enrolment> {
  const failures: string[] = []
  let last: unknown
  for (const address of addresses) {
    try {
      const response = await requestEnrolment({
        address,
        request,
        // Before the first byte is sent: who answers is a member of the mesh that the token names.
        authority: { verify: (socket) => enrolmentPeerOfSocket(socket, token, { nowMs: clock.wallMs() }) },
        clock,
        ...(signal === undefined ? {} : { signal }),
      })
      return read(response)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof EnrolRefusedError) throw error
      log.warn('join-address-failed', {
        address: `${address.host}:${address.port}`,
        reason: messageOf(error),
      })
      failures.push(messageOf(error))
      last = error
    }
  }
  if (last instanceof X0tError && (addresses.length === 1 || last.code === 'ENROL_REFUSED')) throw last
  throw new X0tError('JOIN_UNREACHABLE', `no member answered:\n  ${failures.join('\n  ')}`, {
    cause: last,
    hint: 'check that a member runs and that its port is open; --via HOST:PORT names another member',
  })
}

function isMember(home: Home, trustDomain: string): X0tError {
  return new X0tError('NODE_IS_MEMBER', `${home.directory} holds a member of ${trustDomain}`, {
    hint: 'x0t node start starts it; another mesh needs another home: --home DIR',
  })
}
