import type { Suite } from './aead.ts'
import type { RouteAlternate, TreeHop } from './contract.ts'
import type { DownReason } from './liveness.ts'
import type { PathChange } from './path-judge.ts'
import type { ProbeInterval } from './probe-pace.ts'
import type { SharedBuffers } from './shared-state.ts'
import type { ThreadPriority } from './thread-priority.ts'

/** How datagrams reach a neighbour: UDP, or frames that the owner carries over the control connection. */
export type Carrier = 'udp' | 'tls'

export interface LinkCommand {
  readonly kind: 'link'
  /** Index into the shared arrays; a link with new keys has a new slot. */
  readonly slot: number
  readonly neighbour: string
  readonly localLinkId: number
  readonly remoteLinkId: number
  readonly sendKey: Uint8Array
  readonly receiveKey: Uint8Array
  /** struct sockaddr_in6, or undefined until the neighbour has been heard. */
  readonly endpoint: Uint8Array | undefined
  readonly carrier: Carrier
}

export interface RouteEntry {
  readonly label: Uint8Array
  readonly address: Uint8Array
  readonly peer: number
  readonly nextHop: string
  readonly feasibleUs: number
  readonly alternate: RouteAlternate | undefined
  readonly red: TreeHop | undefined
  readonly blue: TreeHop | undefined
  readonly hitless: boolean
  readonly pathDatagramBytes: number
}

/** Security association as a worker sees it; `peer` is the index into the shared arrays. */
export interface SessionCommand {
  readonly kind: 'session'
  readonly peer: number
  readonly address: Uint8Array
  readonly suite: Suite
  readonly localSpi: number
  readonly remoteSpi: number
  readonly sendKey: Uint8Array
  readonly sendSalt: Uint8Array
  readonly receiveKey: Uint8Array
  readonly receiveSalt: Uint8Array
}

/** From the owner to a worker, through its MessagePort. */
export type Command =
  | LinkCommand
  | { readonly kind: 'endpoint'; readonly slot: number; readonly endpoint: Uint8Array }
  | { readonly kind: 'unlink'; readonly slot: number }
  | { readonly kind: 'routes'; readonly routes: readonly RouteEntry[] }
  | SessionCommand
  | { readonly kind: 'use'; readonly localSpi: number }
  | { readonly kind: 'forget'; readonly localSpi: number }
  | { readonly kind: 'frames'; readonly neighbour: string; readonly bytes: Uint8Array }
  /** The kernel has judged a link anew: to be looked at now. */
  | { readonly kind: 'kernel-event' }
  | { readonly kind: 'stop' }

/** From a worker to the owner. */
export type Report =
  | { readonly kind: 'link-up'; readonly slot: number }
  | { readonly kind: 'link-down'; readonly slot: number; readonly reason: DownReason }
  | { readonly kind: 'endpoint'; readonly slot: number; readonly endpoint: Uint8Array }
  | {
      readonly kind: 'metric'
      readonly slot: number
      readonly rttMs: number
      readonly jitterMs: number
      readonly lossRatio: number
      readonly lossToRatio: number | undefined
      readonly mtuBytes: number
      readonly intervalMs: number
      readonly deadlineMs: number
    }
  | { readonly kind: 'stalled'; readonly forMs: number }
  | { readonly kind: 'priority'; readonly priority: ThreadPriority }
  | { readonly kind: 'udp-works'; readonly slot: number }
  | { readonly kind: 'need-session'; readonly peer: number }
  | (PathChange & { readonly peer: number })
  | { readonly kind: 'rekey-due'; readonly localSpi: number }
  | { readonly kind: 'session-used'; readonly localSpi: number }
  | { readonly kind: 'frames'; readonly neighbour: string; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly message: string }

/** What a worker is started with. */
export interface WorkerOptions {
  readonly role: 'send' | 'receive'
  readonly shared: SharedBuffers
  readonly tunFd: number
  readonly udpFd: number
  readonly udpPort: number
  /** rtnetlink sockets of the receiving worker; -1 without them. */
  readonly monitorFd: number
  readonly queryFd: number
  readonly wakeFd: number
  /** Wakes the other worker: the receiving one asks the sending one to report losses. */
  readonly otherWakeFd: number
  readonly selfLabel: Uint8Array
  readonly selfAddress: Uint8Array
  readonly hitlessDscp: readonly number[]
  readonly probeInterval: ProbeInterval
  readonly probeMisses: number
  /** Where the links of the program in the kernel lie in memory, if it runs. */
  readonly fastPath?: { readonly address: bigint; readonly bytes: number } | undefined
}
