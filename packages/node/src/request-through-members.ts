import { messageOf, X0tError, type Clock, type NodeId } from '@x0t/core'
import { certificateHash, enrolmentPeerOfSocket, type TrustBundle } from '@x0t/identity'
import { requestEnrolment, type Address, type PinnedAuthority } from '@x0t/libp2p'

export interface MemberRequest {
  readonly addresses: readonly Address[]
  readonly request: Uint8Array
  readonly bundle: TrustBundle
  readonly clock: Clock
  readonly isBanned: (id: NodeId) => boolean
}

const maxTried = 16

/**
 * Sends a request to the authority through the first member that answers, for a node whose own SVID no longer counts.
 * @throws X0tError AUTHORITY_UNREACHABLE
 */
export async function requestThroughMembers(options: MemberRequest): Promise<Uint8Array> {
  const { request, clock } = options
  const seen = new Set<string>()
  const failures: string[] = []
  for (const address of options.addresses) {
    const key = `${address.host} ${address.port}`
    if (seen.has(key) || seen.size >= maxTried) continue
    seen.add(key)
    try {
      return await requestEnrolment({
        address,
        request,
        authority: { verify: (socket) => verifyMember(socket, options) },
        timeoutMs: 15_000,
        clock,
      })
    } catch (error) {
      failures.push(`${key}: ${messageOf(error)}`)
    }
  }
  throw new X0tError(
    'AUTHORITY_UNREACHABLE',
    `no member took the request: ${failures.join('; ') || 'none is known'}`,
  )
}

type EnrolmentSocket = Parameters<Extract<PinnedAuthority, { verify: unknown }>['verify']>[0]

/** On an enrolment connection OpenSSL is given no authority: the chain is judged here, by each that is trusted. */
function verifyMember(socket: EnrolmentSocket, { bundle, clock, isBanned }: MemberRequest): void {
  const { trustDomain, authorities } = bundle
  let failure: unknown
  for (const { der } of authorities) {
    try {
      const pinned = { trustDomain, authorityHash: certificateHash(der) }
      const { nodeId } = enrolmentPeerOfSocket(socket, pinned, { nowMs: clock.wallMs() }).peer
      if (isBanned(nodeId)) throw new X0tError('SVID_BANNED', `${nodeId} is banned`)
      return
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
