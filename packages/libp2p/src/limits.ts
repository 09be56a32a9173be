import type { Rate } from './token-bucket.ts'

/** Bounds of the control plane. */
export interface ControlPlaneLimits {
  /** Neighbours that stay. */
  readonly maxNeighbours: number
  /** Neighbours beyond that, taken for `guestMs` so that a newcomer can learn other addresses. */
  readonly maxGuests: number
  readonly guestMs: number
  /** Addresses learnt from others are dialled until there are so many neighbours; configured ones always. */
  readonly seekNeighbours: number
  readonly handshakeTimeoutMs: number
  readonly helloTimeoutMs: number
  /** A neighbour of which nothing is heard for so long is dead. Keepalives go out four times as often. */
  readonly deadPeerMs: number
  /** A connection that was silent for so long, and still is `reviveGraceMs` after the way is back, is made anew. */
  readonly reviveSilentMs: number
  readonly reviveGraceMs: number
  /** TCP connections whose handshake is not finished. */
  readonly halfOpenPerAddress: number
  readonly halfOpen: number
  readonly handshakesPerAddress: Rate
  readonly enrolmentsPerAddress: Rate
  readonly enrolmentsAtOnce: number
  readonly enrolTimeoutMs: number
  /** Bytes that wait for one neighbour; carrier frames have a bound of their own and go first. */
  readonly queueBytes: number
  readonly carrierQueueBytes: number
  /** Wait before a lost or failed address is dialled again: doubles from the first to the second. */
  readonly redialMinMs: number
  readonly redialMaxMs: number
}

export const defaultLimits: ControlPlaneLimits = {
  maxNeighbours: 16,
  maxGuests: 16,
  guestMs: 30_000,
  seekNeighbours: 8,
  handshakeTimeoutMs: 10_000,
  helloTimeoutMs: 5_000,
  deadPeerMs: 5_000,
  reviveSilentMs: 1_500,
  reviveGraceMs: 100,
  halfOpenPerAddress: 8,
  halfOpen: 64,
  handshakesPerAddress: { burst: 40, perSecond: 10 },
  enrolmentsPerAddress: { burst: 10, perSecond: 0.5 },
  enrolmentsAtOnce: 8,
  enrolTimeoutMs: 10_000,
  queueBytes: 1 << 20,
  carrierQueueBytes: 256 << 10,
  redialMinMs: 250,
  redialMaxMs: 30_000,
}
