import type { NodeId } from '@x0t/core'
import type { AssociationSet } from './association-set.ts'
import type { Handshake } from './handshake.ts'
import type { SessionLimits } from './limits.ts'
import type { RateLimit } from './rate-limit.ts'

/** What a node keeps of one peer. */
export interface PeerState {
  readonly peer: NodeId
  readonly associations: AssociationSet
  /** Handshakes that the peer started, by id: when, oldest first. */
  readonly incoming: Map<string, number>
  readonly rate: RateLimit
  outgoing: Handshake | undefined
  /** A session shall be made. */
  wanted: boolean
  failures: number
  notBeforeMs: number
  /** When a new path to it was last heeded. */
  reachableAtMs: number
  lastTrafficMs: number
  /** Counts associations, if ours is the lower id. */
  generation: number
  cancelRetry: (() => void) | undefined
}

/** True if this peer may start one more handshake, if need be in place of one that got stuck. */
export function hasRoomFor({ incoming }: PeerState, nowMs: number, limits: SessionLimits): boolean {
  const [oldestAtMs = 0] = incoming.values()
  return incoming.size < limits.maxIncomingPerPeer || nowMs - oldestAtMs >= limits.supersedeAfterMs
}

/** True if nothing goes on with this peer, and nothing is lost by forgetting it. */
export function isUseless(state: PeerState, nowMs: number): boolean {
  const busy = state.wanted || state.outgoing !== undefined || state.incoming.size > 0
  return !busy && state.associations.size === 0 && nowMs >= state.notBeforeMs && state.rate.isFull()
}

/**
 * Wait after so many failures in a row: doubled each time, and half of it by chance. A peer that refuses is left alone
 * for longer than one that is silent.
 */
export function backoffMs(
  failures: number,
  { wasSilent, fraction }: { readonly wasSilent: boolean; readonly fraction: number },
  limits: SessionLimits,
): number {
  const longestMs = wasSilent
    ? Math.min(limits.longestSilentRetryMs, limits.longestRetryMs)
    : limits.longestRetryMs
  const fullMs = Math.min(limits.firstRetryMs * 2 ** (failures - 1), longestMs)
  return fullMs * (0.5 + fraction / 2)
}
