import type { Clock, Counters, Log, NodeId, Random } from '@x0t/core'
import type { AssociationState } from './association-set.ts'
import type { SessionLimits } from './limits.ts'
import type { Role, SecurityAssociation, Suite } from './security-association.ts'
import type { SessionTls } from './tls-channel.ts'

export interface SessionManagerOptions {
  readonly self: NodeId
  readonly tls: SessionTls
  /** Sends a routed message of at most 17 KiB; it may be lost. */
  send(to: NodeId, bytes: Uint8Array<ArrayBuffer>): void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly counters: Counters
  /** Suites allowed, the preferred one first: ChaCha20-Poly1305 where the processor has no AES. Both by default. */
  readonly suitePreference?: readonly Suite[]
  readonly limits?: Partial<SessionLimits>
  readonly on: SessionEvents
}

export interface SessionEvents {
  /** Install the association for receiving. The peer sends with it only after the promise is kept. */
  ready(sa: SecurityAssociation): void | Promise<void>
  /** Use the association for sending, in place of any other with this peer. */
  sendWith(sa: SecurityAssociation): void
  /** Forget the association; its keys are overwritten when this returns. */
  retired(sa: SecurityAssociation): void
  /** A handshake failed; unless it was the last attempt another one follows. `code` as in `errorCodes`. */
  failed(peer: NodeId, code: string): void
  /** A handshake came to its end and both sides have the keys, so long after its first message. */
  finished?(peer: NodeId, how: { readonly role: Role; readonly durationMs: number }): void
}

/** The end-to-end sessions of a node. */
export interface Sessions extends AsyncDisposable {
  /** Sees to it that there is a session with this peer: does nothing if there is one or one is being made. */
  ensure(peer: NodeId): void
  /** Takes a routed message from a member, whoever made it up. Never throws. */
  receive(from: NodeId, bytes: Uint8Array): void
  /** Makes new keys now, for example because most sequence numbers are used. */
  renew(peer: NodeId): void
  /**
   * A path to this peer has appeared or changed: repeats at once what a handshake with it has lost, and forgets the wait
   * after failures. Does nothing for a peer without a handshake that is wanted.
   */
  reachable(peer: NodeId): void
  /**
   * The peer runs anew and has no keys any more: gives up the handshakes with its earlier run and makes new keys, if
   * there were any or a session is wanted.
   */
  restarted(peer: NodeId): void
  /** Ends everything with this peer at once, as after a ban. A ban itself is the business of `verifyPeer`. */
  drop(peer: NodeId): void
  /** Reports traffic with this peer, in either direction: sessions without traffic lapse. Cheap; call it often. */
  touch(peer: NodeId): void
  /**
   * Ages at which associations made from now on are renewed and retired: the others keep theirs.
   * @throws RangeError unless 0 < renewAfterMs < expireAfterMs
   */
  setLifetime(lifetime: Pick<SessionLimits, 'renewAfterMs' | 'expireAfterMs'>): void
  readonly lifetime: Pick<SessionLimits, 'renewAfterMs' | 'expireAfterMs'>
  /** All associations. */
  list(): { readonly sa: SecurityAssociation; readonly state: AssociationState }[]
}
