import type { Connection, Stream } from '@libp2p/interface'
import { messageOf, X0tError, type Clock, type Counters, type Log, type NodeId } from '@x0t/core'
import { formatAddress } from './address.ts'
import type { CloseReason } from './close-reason.ts'
import { ControlLink, type ClosedBy, type LinkEvents } from './control-link.ts'
import { channels, type Channel, type Frame } from './frame.ts'
import type { ControlPlaneLimits } from './limits.ts'
import { NeighbourTable, type TableChange } from './neighbour-table.ts'
import type { ReportRefusal } from './refusal.ts'
import type { SecuredPeer } from './tls-transport.ts'

/** The one long-lived stream between neighbours. */
export const controlProtocol = '/x0t/control/1'

/** Both ends change over to the kept one of two connections within this time, milliseconds. */
const retireMs = 250
/** Standby connections of one node; more of them are closed. */
const maxLinksEach = 3

/** Events of the neighbours, for the owner of the control plane. */
export interface NeighbourEvents {
  readonly onUp: (link: ControlLink, hello: Uint8Array) => void
  readonly onDown: (link: ControlLink, reason: CloseReason, by: ClosedBy, isReplaced: boolean) => void
  readonly onFrame: (link: ControlLink, frame: Frame) => void
  /** A link ended, whether it was up or not, and the node has no other. */
  readonly onLost: (nodeId: NodeId, upForMs: number, reason: CloseReason) => void
}

export interface NeighboursOptions {
  readonly own: NodeId
  readonly limits: ControlPlaneLimits
  readonly clock: Clock
  readonly log: Log
  readonly counters: Counters
  readonly refuse: ReportRefusal
  readonly hello: () => Uint8Array
  readonly isConfigured: (nodeId: NodeId) => boolean
  readonly events: NeighbourEvents
}

/** The live links to neighbours: from connection to hello to the end, and how many there may be. */
export class Neighbours {
  readonly #options: NeighboursOptions
  readonly #table: NeighbourTable<ControlLink>
  readonly #links = new Set<ControlLink>()
  readonly #hellos = new WeakMap<ControlLink, Uint8Array>()
  /** Connections whose control stream is awaited, with the ends of their deadlines. */
  readonly #awaited = new Map<Connection, { secured: SecuredPeer; cancel: () => void }>()
  /** Nodes beyond the maximum, and until when they may stay. */
  readonly #guests = new Map<NodeId, number>()
  readonly #linkEvents: LinkEvents = {
    onHello: (link, hello) => this.#up(link, hello),
    onFrame: (link, frame) => this.#guard(link, () => this.#options.events.onFrame(link, frame)),
    onClosed: (link, reason, by) => this.#closed(link, reason, by),
  }
  #isClosing = false

  constructor(options: NeighboursOptions) {
    this.#options = options
    this.#table = new NeighbourTable(options.own)
  }

  /** The link in use to a node. */
  get(nodeId: NodeId): ControlLink | undefined {
    return this.#table.get(nodeId)
  }

  /** Links in use. */
  active(): ControlLink[] {
    return this.#table.active()
  }

  /** All links, also those on the way and duplicates. */
  all(): ControlLink[] {
    return [...this.#links]
  }

  /** Whether a connection to such a peer is up or on the way. */
  isConnected(matches: (secured: SecuredPeer) => boolean): boolean {
    return this.#secured().some(matches)
  }

  isGuest(nodeId: NodeId): boolean {
    return this.#guests.has(nodeId)
  }

  /** Nodes with a link that is up or on the way. */
  get count(): number {
    return new Set(this.#secured().map(({ peer }) => peer.nodeId)).size
  }

  /** Whether a verified member may connect: nodes already here and configured ones always. */
  admit(nodeId: NodeId): CloseReason | undefined {
    const { own, limits, isConfigured } = this.#options
    if (this.#isClosing) return 'shutting-down'
    if (nodeId === own) return 'self'
    if (this.#isNodeConnected(nodeId)) {
      const links = this.all().filter((link) => link.nodeId === nodeId).length
      return links >= maxLinksEach ? 'duplicate' : undefined
    }
    if (isConfigured(nodeId)) return undefined
    return this.count >= limits.maxNeighbours + limits.maxGuests ? 'too-many' : undefined
  }

  /** A connection that this node dialled: opens the control stream on it. */
  async opened(connection: Connection, secured: SecuredPeer): Promise<void> {
    const aborter = new AbortController()
    const cancel = this.#options.clock.setTimer(this.#options.limits.helloTimeoutMs, () => aborter.abort())
    this.#awaited.set(connection, { secured, cancel })
    try {
      const stream = await connection.newStream(controlProtocol, {
        signal: aborter.signal,
        // The hello goes out with the name of the protocol, a round trip earlier.
        negotiateFully: false,
      })
      this.#forget(connection)
      this.#start(stream, secured)
    } catch {
      this.#forget(connection)
      secured.socket.destroy()
      this.#lost(secured.peer.nodeId, 0, aborter.signal.aborted ? 'hello-timeout' : 'connection-lost')
    }
  }

  /** A connection that came in: the other side has to open the control stream in time. */
  accepted(connection: Connection, secured: SecuredPeer): void {
    const { clock, limits, refuse } = this.#options
    const cancel = clock.setTimer(limits.helloTimeoutMs, () => {
      const { nodeId } = secured.peer
      refuse({
        reason: 'hello-timeout',
        direction: 'inbound',
        address: formatAddress(secured.remote),
        nodeId,
      })
      secured.socket.destroy()
    })
    this.#awaited.set(connection, { secured, cancel })
    secured.socket.once('close', () => {
      if (this.#forget(connection)) this.#lost(secured.peer.nodeId, 0, 'closed-early')
    })
  }

  /** The control stream of a connection is here. */
  streamOpened(stream: Stream, connection: Connection, secured: SecuredPeer): void {
    if (!this.#forget(connection)) {
      // A second control stream, or one on a connection that we opened.
      stream.abort(new Error('one control stream, opened by the dialler'))
      return
    }
    this.#start(stream, secured)
  }

  /** Keepalives, deadlines and the end of guests' time. `stalledMs`: how long this process stood still. */
  check(stalledMs: number): void {
    for (const link of this.all()) link.check(stalledMs)
    const nowMs = this.#options.clock.monotonicMs()
    for (const [nodeId, untilMs] of this.#guests) {
      if (untilMs <= nowMs) this.closeNode(nodeId, 'too-many')
    }
  }

  /** Closes what `judge` gives a reason for. It is told until when the SVID holds, in-band renewals included. */
  recheck(judge: (secured: SecuredPeer, notAfterMs: number) => CloseReason | undefined): void {
    for (const link of this.all()) {
      const reason = judge(link.secured, link.notAfterMs)
      if (reason !== undefined) link.close(reason)
    }
    for (const { secured } of this.#awaited.values())
      if (judge(secured, secured.peer.notAfterMs) !== undefined) secured.socket.destroy()
  }

  /** Closes all links to a node. */
  closeNode(nodeId: NodeId, reason: CloseReason): void {
    for (const link of this.all()) if (link.nodeId === nodeId) link.close(reason)
  }

  /** Closes everything and takes nothing new; resolves when the goodbyes are out. */
  async closeAll(reason: CloseReason): Promise<void> {
    this.#isClosing = true
    const links = this.all()
    const gone = links.map(({ socket }) => new Promise((resolve) => socket.once('close', resolve)))
    for (const link of links) link.close(reason)
    for (const connection of this.#awaited.keys()) this.#forget(connection)
    await Promise.all(gone)
  }

  #start(stream: Stream, secured: SecuredPeer): void {
    if (this.#isClosing || secured.socket.destroyed) return void secured.socket.destroy()
    const { limits, clock, counters } = this.#options
    const link = new ControlLink({
      stream,
      secured,
      limits,
      clock,
      hello: this.#options.hello(),
      events: this.#linkEvents,
      onDropped: (channel: Channel, frames: number) =>
        counters.count('control_frames_dropped_total', { channel: nameOfChannel(channel) }, frames),
    })
    if (!link.isClosed) this.#links.add(link)
  }

  #forget(connection: Connection): boolean {
    this.#awaited.get(connection)?.cancel()
    return this.#awaited.delete(connection)
  }

  #up(link: ControlLink, hello: Uint8Array): void {
    this.#hellos.set(link, hello)
    this.#links.add(link)
    const isNew = this.#table.get(link.nodeId) === undefined
    if (isNew) this.#seat(link.nodeId)
    this.#apply(this.#table.add(link), 'duplicate', 'us')
  }

  /** Gives a node a lasting place, or a guest's; a configured one takes the place of the last that came. */
  #seat(nodeId: NodeId): void {
    const { limits, clock, isConfigured } = this.#options
    const untilMs = clock.monotonicMs() + limits.guestMs
    const lasting = this.active().filter((link) => !this.#guests.has(link.nodeId))
    if (lasting.length < limits.maxNeighbours) return
    if (!isConfigured(nodeId)) return void this.#guests.set(nodeId, untilMs)
    const last = lasting.findLast((link) => !isConfigured(link.nodeId))
    if (last !== undefined) this.#guests.set(last.nodeId, untilMs)
  }

  #closed(link: ControlLink, reason: CloseReason, by: ClosedBy): void {
    this.#links.delete(link)
    const { clock, refuse } = this.#options
    const { nodeId } = link
    if (by === 'us' && reason !== 'shutting-down' && reason !== 'duplicate') {
      const address = formatAddress(link.secured.remote)
      refuse({ reason, direction: link.isOurs ? 'outbound' : 'inbound', address, nodeId })
    }
    this.#apply(this.#table.remove(link), reason, by)
    if (this.#table.get(nodeId) === undefined) {
      this.#guests.delete(nodeId)
      const [guest] = this.#guests.keys()
      if (
        guest !== undefined &&
        this.active().length - this.#guests.size < this.#options.limits.maxNeighbours
      )
        this.#guests.delete(guest)
    }
    this.#lost(nodeId, link.upMs === undefined ? 0 : clock.monotonicMs() - link.upMs, reason)
  }

  #lost(nodeId: NodeId, upForMs: number, reason: CloseReason): void {
    if (!this.#isNodeConnected(nodeId)) this.#options.events.onLost(nodeId, upForMs, reason)
  }

  #apply(changes: readonly TableChange<ControlLink>[], reason: CloseReason, by: ClosedBy): void {
    const { events, clock } = this.#options
    for (const change of changes) {
      if (change.kind === 'up') {
        const { link } = change
        this.#guard(link, () => events.onUp(link, this.#hellos.get(link) ?? new Uint8Array()))
      }
      if (change.kind === 'down') events.onDown(change.link, reason, by, change.replaced)
      if (change.kind === 'retire') clock.setTimer(retireMs, () => change.link.close('duplicate'))
    }
  }

  /** What a neighbour sends may make the owner throw; that costs the neighbour its connection, not us the process. */
  #guard(link: ControlLink, run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#options.log.error('control-handler-failed', { nodeId: link.nodeId, error: messageOf(error) })
      link.close(error instanceof X0tError ? 'frame-invalid' : 'other')
    }
  }

  #isNodeConnected(nodeId: NodeId): boolean {
    return this.isConnected(({ peer }) => peer.nodeId === nodeId)
  }

  #secured(): SecuredPeer[] {
    return [...this.#links, ...this.#awaited.values()].map(({ secured }) => secured)
  }
}

const channelNames = Object.keys(channels)

function nameOfChannel(channel: Channel): string {
  return channelNames[channel] ?? 'unknown'
}
