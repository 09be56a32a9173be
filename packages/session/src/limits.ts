/** Bounds and times of the sessions of a node; times in milliseconds. */
export interface SessionLimits {
  /** Peers with sessions or handshakes at a time. */
  readonly maxPeers: number
  /** Handshakes under way at a time. */
  readonly maxHandshakes: number
  /**
   * Handshakes of either role that go on at a time, not counting those that have heard nothing for `silentAfterMs`. On a
   * small machine all at once would take longer each than they may, and end together: the others wait for their turn.
   */
  readonly maxBusy: number
  readonly silentAfterMs: number
  /** Handshakes under way that one peer started. */
  readonly maxIncomingPerPeer: number
  /** Handshakes that others may start: burst and rate, in all and from one peer. */
  readonly incomingBurst: number
  readonly incomingPerSecond: number
  readonly incomingBurstPerPeer: number
  readonly incomingPerSecondPerPeer: number
  readonly handshakeTimeoutMs: number
  /** Attempts in a row until {@link Sessions.ensure} is forgotten; each waits longer. */
  readonly maxAttempts: number
  readonly firstRetryMs: number
  readonly longestRetryMs: number
  /** Longest wait after an attempt that nothing answered: there is no one to be spared, and the path may come back. */
  readonly longestSilentRetryMs: number
  /** A handshake of a peer that was heard of so lately is one of its new run when it is {@link Sessions.restarted}. */
  readonly freshRunMs: number
  /** {@link Sessions.reachable} is heeded so often for one peer, however often its path changes. */
  readonly reachableEveryMs: number
  /**
   * Age at which the initiator renews an association, up to 10 % earlier. The responder renews after a
   * quarter of the time that is left then, if it has to.
   */
  readonly renewAfterMs: number
  /** Age at which an association is retired, renewed or not. */
  readonly expireAfterMs: number
  /** An association that was replaced receives for so long. */
  readonly overlapMs: number
  /** A peer without traffic for so long is not renewed. */
  readonly idleAfterMs: number
  /** A handshake of a peer that takes longer gives its place to a newer one of the same peer. */
  readonly supersedeAfterMs: number
  /** How long {@link Sessions.ensure} lets a handshake that the peer started go first. */
  readonly deferMs: number
}

export const defaultSessionLimits: SessionLimits = {
  maxPeers: 1024,
  maxHandshakes: 64,
  maxBusy: 3,
  silentAfterMs: 1_000,
  maxIncomingPerPeer: 2,
  incomingBurst: 64,
  incomingPerSecond: 32,
  incomingBurstPerPeer: 8,
  incomingPerSecondPerPeer: 0.5,
  handshakeTimeoutMs: 10_000,
  maxAttempts: 6,
  firstRetryMs: 1_000,
  longestRetryMs: 30_000,
  longestSilentRetryMs: 1_500,
  freshRunMs: 500,
  reachableEveryMs: 500,
  renewAfterMs: 120_000,
  expireAfterMs: 180_000,
  overlapMs: 30_000,
  idleAfterMs: 60_000,
  supersedeAfterMs: 2_500,
  deferMs: 3_000,
}
