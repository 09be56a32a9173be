import type { NodeId, Random } from '@x0t/core'
import { formatAddress, isDialableHint, type Address } from './address.ts'
import type { CloseReason } from './close-reason.ts'

/** A node, or an address behind which one is expected, that may be dialled. */
export interface DialTarget {
  readonly key: string
  readonly isConfigured: boolean
  /** Learnt at the first successful dial where it was not known before. */
  nodeId: NodeId | undefined
  /** libp2p's name of the node, where mDNS found it. */
  readonly peerId: string | undefined
  addresses: Address[]
  failures: number
  notBeforeMs: number
  isDialling: boolean
  /** It is this very node: never dialled again. */
  isSelf: boolean
}

export interface DialView {
  isConnected(target: DialTarget): boolean
  /** Links that are up or on the way. */
  readonly connections: number
}

export interface DialPlanOptions {
  readonly own: NodeId
  readonly random: Random
  readonly seekNeighbours: number
  readonly redialMinMs: number
  readonly redialMaxMs: number
}

const maxTargets = 1024
const maxAddressesEach = 8
const dialsAtOnce = 8
/** Nodes that others told us about are asked less often than configured ones. */
const hintPatience = 10
/** A link that lived so long counts as a success. */
const steadyMs = 10_000

/**
 * Whom to dial next, and when: configured addresses for ever, addresses that others told us about until there are
 * enough neighbours. Waits double with each failure, with jitter. Holds no timers.
 */
export class DialPlan {
  readonly #options: DialPlanOptions
  readonly #targets = new Map<string, DialTarget>()

  constructor(options: DialPlanOptions) {
    this.#options = options
  }

  get targets(): readonly DialTarget[] {
    return [...this.#targets.values()]
  }

  addConfigured(address: Address): void {
    this.#add(`address/${formatAddress(address)}`, { isConfigured: true, addresses: [address] })
  }

  /** Addresses of a node, as told by others; names, groups and overlay addresses are left out. */
  addKnown(nodeId: NodeId, addresses: readonly Address[]): void {
    if (nodeId !== this.#options.own) this.#addHint(`node/${nodeId}`, addresses, { nodeId })
  }

  addDiscovered(peerId: string, addresses: readonly Address[]): void {
    this.#addHint(`peer/${peerId}`, addresses, { peerId })
  }

  /** True if a configured address is known to lead to this node. */
  isConfigured(nodeId: NodeId): boolean {
    return this.targets.some((target) => target.isConfigured && target.nodeId === nodeId)
  }

  /** The dials to start now; each is marked until {@link dialled} or {@link failed}. */
  due(nowMs: number, view: DialView): { target: DialTarget; address: Address }[] {
    const dialling = this.targets.filter((target) => target.isDialling)
    const busyNodes = new Set(dialling.map((target) => target.nodeId))
    const busyAddresses = new Set(dialling.map((target) => formatAddress(target.addresses[0]!)))
    let slots = dialsAtOnce - dialling.length
    let wanted = this.#options.seekNeighbours - view.connections - dialling.length
    const chosen: { target: DialTarget; address: Address }[] = []
    const waiting = this.targets.filter((target) => !this.#rests(target, view) && target.notBeforeMs <= nowMs)
    const hints = this.#shuffled(waiting.filter((target) => !target.isConfigured))
    for (const target of [...waiting.filter((target) => target.isConfigured), ...hints]) {
      const address = target.addresses[0]!
      if (slots <= 0 || (!target.isConfigured && wanted <= 0)) continue
      if (busyAddresses.has(formatAddress(address))) continue
      if (target.nodeId !== undefined && busyNodes.has(target.nodeId)) continue
      busyNodes.add(target.nodeId)
      busyAddresses.add(formatAddress(address))
      target.isDialling = true
      slots--
      wanted--
      chosen.push({ target, address })
    }
    return chosen
  }

  /** When the next wait ends; undefined if nothing waits. A time that is past means: as soon as there is room. */
  nextDueMs(view: DialView): number | undefined {
    const isSeeking = view.connections < this.#options.seekNeighbours
    let next: number | undefined
    for (const target of this.#targets.values()) {
      if (target.isDialling || this.#rests(target, view) || (!target.isConfigured && !isSeeking)) continue
      if (next === undefined || target.notBeforeMs < next) next = target.notBeforeMs
    }
    return next
  }

  /** The dial led to `nodeId`. */
  dialled(target: DialTarget, nodeId: NodeId): void {
    target.isDialling = false
    target.nodeId = nodeId
  }

  failed(target: DialTarget, nowMs: number, reason: CloseReason | 'unreachable'): void {
    target.isDialling = false
    if (reason === 'self') target.isSelf = true
    const [tried, ...others] = target.addresses
    if (reason === 'wrong-node' && !target.isConfigured) {
      // Someone else lives there now.
      target.addresses = others
      if (others.length === 0) this.#targets.delete(target.key)
    } else if (tried !== undefined) {
      target.addresses = [...others, tried]
    }
    this.#wait(target, nowMs)
  }

  /** A link ended after `upForMs`; 0 if it never came up. */
  lost(nodeId: NodeId, nowMs: number, upForMs: number, reason: CloseReason): void {
    for (const target of this.#targets.values()) {
      if (target.nodeId !== nodeId) continue
      if (upForMs >= steadyMs) target.failures = 0
      this.#wait(target, nowMs)
      // Sent away for want of room: the places there are better left to those who know nobody else.
      if (reason === 'too-many') target.notBeforeMs = nowMs + this.#options.redialMaxMs
    }
  }

  /** Forgets all waits, or those of one node: the network, or the way to it, has changed. */
  retryNow(nodeId?: NodeId): void {
    for (const target of this.#targets.values()) {
      if (nodeId !== undefined && target.nodeId !== nodeId) continue
      target.failures = 0
      target.notBeforeMs = 0
    }
  }

  #rests(target: DialTarget, view: DialView): boolean {
    return target.isDialling || target.isSelf || target.addresses.length === 0 || view.isConnected(target)
  }

  #wait(target: DialTarget, nowMs: number): void {
    const { redialMinMs, redialMaxMs, random } = this.#options
    const maxMs = target.isConfigured ? redialMaxMs : redialMaxMs * hintPatience
    const ms = Math.min(maxMs, redialMinMs * 2 ** Math.min(target.failures, 30))
    target.failures++
    target.notBeforeMs = nowMs + ms * (0.5 + random.bytes(1)[0]! / 512)
  }

  #addHint(key: string, addresses: readonly Address[], who: { nodeId?: NodeId; peerId?: string }): void {
    const usable = addresses.filter(isDialableHint).slice(0, maxAddressesEach)
    if (usable.length > 0) this.#add(key, { isConfigured: false, addresses: usable, ...who })
  }

  #add(
    key: string,
    made: { isConfigured: boolean; addresses: Address[]; nodeId?: NodeId; peerId?: string },
  ): void {
    const known = this.#targets.get(key)
    if (known === undefined) {
      if (this.#targets.size >= maxTargets) this.#dropWorst()
      this.#targets.set(key, {
        key,
        isConfigured: made.isConfigured,
        nodeId: made.nodeId,
        peerId: made.peerId,
        addresses: made.addresses,
        failures: 0,
        notBeforeMs: 0,
        isDialling: false,
        isSelf: false,
      })
      return
    }
    const old = new Set(known.addresses.map(formatAddress))
    const fresh = made.addresses.filter((address) => !old.has(formatAddress(address)))
    if (fresh.length === 0 || known.isDialling) return
    // New addresses first, without the wait that the old ones earned.
    known.addresses = [...fresh, ...known.addresses].slice(0, maxAddressesEach)
    known.failures = Math.min(known.failures, 1)
    known.notBeforeMs = 0
  }

  /** Makes room: the hint that failed most goes. */
  #dropWorst(): void {
    let worst: DialTarget | undefined
    for (const target of this.#targets.values()) {
      if (target.isConfigured || target.isDialling) continue
      if (worst === undefined || target.failures > worst.failures) worst = target
    }
    if (worst !== undefined) this.#targets.delete(worst.key)
  }

  #shuffled<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const bytes = this.#options.random.bytes(4)
      const j = new DataView(bytes.buffer).getUint32(0) % (i + 1)
      const swap = items[i]!
      items[i] = items[j]!
      items[j] = swap
    }
    return items
  }
}
