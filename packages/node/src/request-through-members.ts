import { messageOf, X0tError, type Clock, type NodeId } from '@x0t/core'
import { peerOfSocket, type TrustBundle } from '@x0t/identity'
import { requestEnrolment, type Address } from '@x0t/libp2p'

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
  const { request, bundle, clock, isBanned } = options
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
        authority: { verify: (socket) => peerOfSocket(socket, bundle, { nowMs: clock.wallMs(), isBanned }) },
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
