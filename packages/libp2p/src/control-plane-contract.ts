import type { KeyObject } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import type { Clock, Counters, Log, NodeId, Random } from '@x0t/core'
import type { Address } from './address.ts'
import type { CloseReason } from './close-reason.ts'
import type { ClosedBy } from './control-link.ts'
import type { EnrolHandler } from './enrol-server.ts'
import type { Channel } from './frame.ts'
import type { MdnsOptions } from './host.ts'
import type { ControlPlaneLimits } from './limits.ts'
import type { Trust } from './trust.ts'

/** A neighbour that has come up. */
export interface NeighbourUp {
  readonly nodeId: NodeId
  /** Remote end of the TCP connection; the port is the peer's control port only where direction is `outbound`. */
  readonly address: string
  readonly port: number
  readonly direction: 'inbound' | 'outbound'
  /** The peer's hello, as its owner made it. */
  readonly hello: Uint8Array
  /** Keying material of the TLS connection (RFC 8446 §7.5), equal at both ends. */
  readonly exporter: (label: string, length: number) => Uint8Array
}

/** A neighbour that has gone, or whose connection is about to be replaced: then the next event is its `up`. */
export interface NeighbourDown {
  readonly nodeId: NodeId
  readonly reason: CloseReason
  readonly by: ClosedBy
  readonly isReplaced: boolean
}

/** A neighbour as it is now. */
export interface NeighbourStatus {
  readonly nodeId: NodeId
  readonly address: string
  readonly port: number
  readonly direction: 'inbound' | 'outbound'
  readonly upForMs: number
  readonly svidNotAfterMs: number
  readonly isConfigured: boolean
  /** Beyond the maximum, to be closed soon. */
  readonly isGuest: boolean
  readonly queuedBytes: number
  readonly receivedBytes: number
}

export interface ControlPlaneOptions {
  readonly nodeId: NodeId
  /** Ed25519 private key that the SVID names; the libp2p PeerId comes from it. */
  readonly hostKey: KeyObject
  readonly trust: Trust
  /** Where to listen; port 0 takes a free one. Empty: dial only. */
  readonly listen: readonly Address[]
  /** Addresses that are dialled for ever. */
  readonly bootstrap?: readonly Address[]
  readonly mdns?: MdnsOptions
  /** Payload of our hello, asked for at each new connection. */
  readonly hello: () => Uint8Array
  readonly onFrame: (nodeId: NodeId, channel: Channel, payload: Uint8Array) => void
  readonly onNeighbourUp: (neighbour: NeighbourUp) => void
  readonly onNeighbourDown: (neighbour: NeighbourDown) => void
  /** Answers enrolment and renewal; without it they are refused. */
  readonly onEnrol?: EnrolHandler
  readonly limits?: Partial<ControlPlaneLimits>
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
  readonly counters?: Counters
  readonly signal?: AbortSignal
}

/**
 * Streams of further protocols, on the connections to neighbours that are there anyway: whoever is at the other end was
 * verified as a member, and nothing is dialled. They end with the connection.
 */
export interface NeighbourStreams {
  /** @throws X0tError CONTROL_NOT_CONNECTED, CONTROL_PROTOCOL_UNKNOWN (the neighbour does not speak it) */
  open(nodeId: NodeId, protocol: string, options: { readonly signal: AbortSignal }): Promise<Stream>
  /** Answers streams that neighbours open, at most `perNeighbour` at a time; disposal ends that. */
  answer(
    protocol: string,
    onStream: (nodeId: NodeId, stream: Stream) => void,
    options: { readonly perNeighbour: number },
  ): Promise<AsyncDisposable>
}

export interface ControlPlane extends AsyncDisposable {
  /** Bound addresses, with real ports. */
  readonly addresses: readonly Address[]
  /** libp2p's name of this node. */
  readonly peerId: string
  /**
   * Sends a frame to a neighbour, without waiting; false if it is not connected or its queue has no room.
   * @throws RangeError if the payload is longer than 65 KiB
   */
  send(nodeId: NodeId, channel: Channel, payload: Uint8Array): boolean
  neighbours(): NeighbourStatus[]
  /** Addresses of members, as learnt from others; dialled while neighbours are wanted. */
  addKnownAddresses(
    nodes: readonly { readonly nodeId: NodeId; readonly addresses: readonly Address[] }[],
  ): void
  /** Closes the connection to a neighbour; it may be dialled again unless the trust refuses it. */
  disconnect(nodeId: NodeId, reason?: CloseReason): void
  /** Judges all live connections again by the trust (bans, dates) and closes those it refuses. */
  recheck(): void
  /** New credentials from the trust for new handshakes; live connections stay. */
  rotate(): void
  /** A neighbour has proved a renewed SVID in band: its connection may live until then. */
  extendPeer(nodeId: NodeId, notAfterMs: number): void
  /** The network has changed: dials everything again at once. */
  retryNow(): void
  /**
   * The way to a node is back, as the owner knows from elsewhere. Dials it at once; a connection that was silent all the
   * while is closed before, for TCP would repeat what was lost only after as long again.
   */
  revive(nodeId: NodeId): void
  /**
   * Round trip to a neighbour over libp2p's ping, milliseconds.
   * @throws X0tError CONTROL_NOT_CONNECTED
   */
  ping(nodeId: NodeId, options: { readonly signal: AbortSignal }): Promise<number>
  readonly streams: NeighbourStreams
}
