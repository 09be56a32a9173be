import type { X0tError } from '@x0t/core'
import type { Suite } from './aead.ts'
import type { Carrier } from './commands.ts'
import type { DownReason } from './liveness.ts'
import type { Endpoint } from './socket-address.ts'

/** A neighbour of the data plane. Keys and link ids come from the control connection to it. */
export interface Neighbour {
  readonly id: string
  /** Chosen by us: finds this link in what we receive. Unique among living links, 0 to 65,535. */
  readonly localLinkId: number
  readonly remoteLinkId: number
  /** Undefined if the neighbour sits behind NAT: its first probe tells. */
  readonly endpoint?: Endpoint | undefined
  /** Hop keys, 16 bytes each. */
  readonly sendKey: Uint8Array
  readonly receiveKey: Uint8Array
  readonly carrier: Carrier
}

/** Another neighbour, the plane on which it takes over, and the distance that the header says then. */
export interface RouteAlternate {
  readonly neighbour: string
  readonly plane: 1 | 2 | 3
  /** Plane 1 (repair): cost of the way through it, µs. Planes 2 and 3 (red, blue): links on that tree. */
  readonly remaining: number
}

/** First hop on a tree, and the number of links from this node to the member on it. */
export interface TreeHop {
  readonly neighbour: string
  readonly hops: number
}

/** Where packets for a member go. */
export interface RouteTarget {
  /** First 8 bytes of the member's id. */
  readonly label: Uint8Array
  /** Its overlay address, 16 bytes. */
  readonly address: Uint8Array
  /** Id of the neighbour on the best way. */
  readonly nextHop: string
  /** Least cost of the way, µs, that this node had a moment ago: only a datagram from farther is taken. */
  readonly feasibleUs: number
  /** Takes over at once when the next hop dies. */
  readonly alternate?: RouteAlternate | undefined
  /** First hops of two independent trees towards the member, and the links from here to it on each. */
  readonly red?: TreeHop | undefined
  readonly blue?: TreeHop | undefined
  /** Sends everything on both trees at once; the receiver drops the second copy. Costs twice the bandwidth. */
  readonly hitless?: boolean | undefined
  /** Longest datagram (UDP payload) that fits every link on the way, of the best way and of both trees. */
  readonly pathDatagramBytes: number
}

/** Keys of one end-to-end session, as @x0t/session derives them. */
export interface SecurityAssociation {
  readonly peer: { readonly label: Uint8Array; readonly address: Uint8Array }
  readonly suite: Suite
  /** Names this SA in what we receive; never 0. */
  readonly localSpi: number
  readonly remoteSpi: number
  readonly sendKey: Uint8Array
  readonly sendSalt: Uint8Array
  readonly receiveKey: Uint8Array
  readonly receiveSalt: Uint8Array
}

/** What the data plane tells its owner. */
export type DataPlaneEvent =
  /** Probes get through in both directions. */
  | { readonly kind: 'neighbour-up'; readonly neighbour: string }
  /** They no longer do; traffic has moved to the alternates already. */
  | { readonly kind: 'neighbour-down'; readonly neighbour: string; readonly reason: DownReason }
  /** This process was not scheduled for so long; at most once a second, the longest of them. */
  | { readonly kind: 'stalled'; readonly forMs: number }
  /** Every second, and at once when loss or round trip leap or the MTU changes. */
  | {
      readonly kind: 'metric'
      readonly neighbour: string
      readonly rttMs: number
      /** Variation of the time on the way towards us (RFC 3550 §6.4.1). */
      readonly jitterMs: number
      /** Share of datagrams lost towards us, 0 to 1. */
      readonly lossRatio: number
      /** Share lost towards the neighbour, as it says; undefined until it does. */
      readonly lossToRatio: number | undefined
      /** Interval of our probes, and silence of the neighbour after which the link is down. */
      readonly intervalMs: number
      readonly deadlineMs: number
      /** Longest datagram that passes. */
      readonly mtuBytes: number
      readonly endpoint: Endpoint | undefined
      readonly carrier: Carrier
    }
  /** UDP reaches the neighbour, although its carrier is `tls`: time to change back. About once in two seconds. */
  | { readonly kind: 'udp-works'; readonly neighbour: string }
  /** The neighbour sends from elsewhere now, and is answered there. */
  | { readonly kind: 'endpoint'; readonly neighbour: string; readonly endpoint: Endpoint }
  /** Packets wait for a session with the member of this label; at most twice a second each. */
  | { readonly kind: 'need-session'; readonly label: Uint8Array }
  /**
   * What is sent through this neighbour, alive as it is, to the member of this label does not arrive; a tree carries it.
   * Evidence: no answer comes back, which the way back may be to blame for, or the member says that it misses ours.
   */
  | {
      readonly kind: 'path-suspect'
      readonly label: Uint8Array
      readonly neighbour: string
      readonly evidence: 'silence' | 'told'
    }
  /**
   * Traffic to the member is on the ordinary way again: it answers; or it leads another way by now; or nothing was sent
   * for a minute; or no other way works either.
   */
  | {
      readonly kind: 'path-clear'
      readonly label: Uint8Array
      readonly neighbour: string
      readonly reason: 'answers' | 'rerouted' | 'idle' | 'no-better'
    }
  /** 2^31 units were sent under this SA. */
  | { readonly kind: 'rekey-due'; readonly localSpi: number }
  /** The first unit that opened under this SA: the peer uses it. */
  | { readonly kind: 'session-used'; readonly localSpi: number }
  /** Length-prefixed datagrams to be carried over the neighbour's control connection (carrier `tls`). */
  | { readonly kind: 'carrier-frames'; readonly neighbour: string; readonly bytes: Uint8Array }
  /** A worker stopped: the data plane is to be closed and opened again. */
  | { readonly kind: 'failed'; readonly error: X0tError }
