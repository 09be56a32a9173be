import { messageOf, X0tError, type Clock, type Log, type NodeId } from '@x0t/core'
import type { TrustBundle } from '@x0t/identity'
import type { Address } from '@x0t/libp2p'
import { dialable } from './addresses.ts'
import type { AuthorityDesk } from './authority-desk.ts'

export interface AuthorityAccessOptions {
  readonly self: NodeId
  /** This node's own authority, if it has it. */
  readonly desk: Pick<AuthorityDesk, 'answer'> | undefined
  readonly nodes: () => readonly {
    readonly id: NodeId
    readonly features: readonly string[]
    readonly addresses: readonly string[]
  }[]
  readonly isRoutable: (id: NodeId) => boolean
  /** Asks a member through the mesh. */
  readonly request: (to: NodeId, request: Uint8Array) => Promise<Uint8Array>
  /** Addresses of members, besides those in the map. */
  readonly addresses: () => readonly Address[]
  readonly bundle: () => TrustBundle
  readonly isBanned: (id: NodeId) => boolean
  readonly clock: Clock
  readonly log: Log
}

/** The way to the mesh's authority, wherever it is. */
export interface AuthorityAccess {
  /**
   * Through the mesh: what a member does for others too. A node that has just come up waits for its map first.
   * @throws X0tError AUTHORITY_UNREACHABLE
   */
  pass(request: Uint8Array): Promise<Uint8Array>
  /**
   * For this node itself: through the mesh if a way leads there now, else over the enrolment port of any member that it
   * knows, since without a valid SVID nobody talks to it but there.
   * @throws X0tError AUTHORITY_UNREACHABLE
   */
  ask(request: Uint8Array): Promise<Uint8Array>
}

const waitMs = 8000
const pollMs = 100

export function createAuthorityAccess(options: AuthorityAccessOptions): AuthorityAccess {
  const { self, desk, clock, log } = options

  /** Undefined where no way leads to an authority that answers. */
  const throughMesh = async (request: Uint8Array): Promise<Uint8Array | undefined> => {
    if (desk !== undefined) return desk.answer(request)
    for (const { id, features } of options.nodes()) {
      if (id === self || !features.includes('authority') || !options.isRoutable(id)) continue
      try {
        return await options.request(id, request)
      } catch (error) {
        log.debug('authority-silent', { authority: id, reason: messageOf(error) })
      }
    }
    return undefined
  }

  return {
    async pass(request) {
      const untilMs = clock.monotonicMs() + waitMs
      do {
        const answer = await throughMesh(request)
        if (answer !== undefined) return answer
        await new Promise<void>((resolve) => void clock.setTimer(pollMs, resolve))
      } while (clock.monotonicMs() < untilMs)
      throw new X0tError('AUTHORITY_UNREACHABLE', 'the node with the authority is not in reach')
    },
    async ask(request) {
      const answer = await throughMesh(request)
      if (answer !== undefined) return answer
      const { requestThroughMembers } = await import('./request-through-members.ts')
      const inMap = options.nodes().flatMap(({ id, addresses }) => (id === self ? [] : dialable(addresses)))
      const { isBanned } = options
      const addresses = [...options.addresses(), ...inMap]
      return requestThroughMembers({ addresses, request, bundle: options.bundle(), clock, isBanned })
    },
  }
}
