// Over 300 lines, and one piece: the state machine that joins the parts; each event in, all that follows out.
import {
  hasCode,
  silentCounters,
  silentLog,
  type Counters,
  type Log,
  type NodeId,
  type Random,
} from '@x0t/core'
import { Acceptance, type Verify } from './acceptance.ts'
import { Adjacency, type Neighbour } from './adjacency.ts'
import type { MeshContext } from './context.ts'
import type { MeshAction, MeshEvent } from './events.ts'
import { FloodQueue } from './flood-queue.ts'
import { DatabaseSync } from './flooding.ts'
import { LinkStateDatabase, type StoredState } from './link-state-database.ts'
import { isWorse, sameContent, sameListing, type ListedLink } from './link-state.ts'
import { mapOfDatabase, type MeshMap } from './map-view.ts'
import { decodeMessage, type MeshMessage } from './message.ts'
import { Origination, type Returning, type SelfDescription } from './origination.ts'
import { defaultParameters, type MeshParameters } from './parameters.ts'
import { Relay } from './relay.ts'
import type { RouteTable } from './route-table.ts'
import { Routing } from './routing.ts'
import { buildGraph, type TopologyGraph } from './topology-graph.ts'
import type { SharedWork } from './shared-work.ts'
import { Tracing } from './tracing.ts'

export interface MeshOptions extends SelfDescription {
  readonly self: NodeId
  /** Ed25519 signature, 64 bytes, of a link state's body. */
  sign(body: Uint8Array): Uint8Array
  /** Must know this node's own key, too. */
  readonly verify: Verify
  readonly random: Random
  /** Milliseconds since 1970; signed into link states. */
  wallMs(): number
  /**
   * Sequence of the first link state: more than any that this node ever used. The largest of the stored
   * {@link Mesh.sequence} + 1 and the wall clock in milliseconds does it.
   */
  readonly firstSequence: number
  /** Its packets went on being forwarded while it was restarted. */
  readonly returning?: Returning | undefined
  readonly parameters?: Partial<MeshParameters>
  /** Shares work between the nodes of one process, as in simulations; see {@link createSharedWork}. */
  readonly shared?: SharedWork
  readonly log?: Log
  readonly counters?: Counters
}

/** A link of this node; plain data. */
export interface NeighbourView {
  readonly id: NodeId
  readonly costUs: number
  readonly datagramBytes: number
  readonly rttMs: number
  readonly lossRatio: number
  readonly carrier: string
  /** True while the link is a last resort because it went down too often. */
  readonly suppressed: boolean
}

/** A mesh node: a state machine without I/O and timers. */
export interface Mesh {
  /** Takes an event at a monotonic time and returns what has to be done, in order. Bytes from others never make it throw. */
  handle(event: MeshEvent, nowMs: number): readonly MeshAction[]
  /** Every member heard of, this node included. */
  map(): MeshMap
  routes(): RouteTable
  /** Ids of all members with a link state, this node included. */
  members(): readonly NodeId[]
  neighbours(): readonly NeighbourView[]
  /** Graph of the links that both ends list, as the routes see it. */
  graph(): TopologyGraph
  /** Sequence of the last own link state; to be stored for the next start. */
  sequence(): number
}

/** Housekeeping runs this often. */
const housekeepingMs = 5000

/** @throws RangeError if name, addresses or features exceed what a link state holds */
export function createMesh(options: MeshOptions): Mesh {
  const { self, random } = options
  const parameters: MeshParameters = { ...defaultParameters, ...options.parameters }
  const { log = silentLog, counters = silentCounters } = options
  let actions: MeshAction[] = []
  const context: MeshContext = {
    self,
    parameters,
    log,
    counters,
    nowMs: 0,
    emit: (action) => void actions.push(action),
  }
  const database = new LinkStateDatabase()
  const adjacency = new Adjacency(context)
  const sync = new DatabaseSync(context, database, adjacency)
  const origination = new Origination(context, options)
  const { shared } = options
  const graphNow = (): TopologyGraph => {
    const listed = new Map<NodeId, ReadonlyMap<NodeId, ListedLink>>()
    for (const { state } of database.values()) listed.set(state.origin, state.neighbours)
    // Own links as they are now: the last own link state may lag behind by its hold.
    const own = adjacency.listed()
    const told = listed.get(self)
    if (told === undefined || !sameListing(told, own)) listed.set(self, own)
    return shared === undefined ? buildGraph(listed) : shared.graphOf(listed)
  }
  const routing = new Routing(context, graphNow, shared)
  const floods = new FloodQueue(context)
  let mapChanged = false
  let wakeMs = Infinity
  let nextHousekeepingMs: number | undefined
  let nextSyncMs = 0
  let reuseMs = Infinity
  const relay = new Relay(context, adjacency, () => routing.table)
  const tracing = new Tracing(context, relay)
  const acceptance = new Acceptance(context, database, adjacency, {
    verify: options.verify,
    shared,
    wallMs: () => options.wallMs(),
    onNewer: (stored, from) => store(stored, from),
    onDuplicate: (origin, from) => floods.heard(origin, from),
    onOwn: (state) => {
      if (origination.outrun(state.sequence)) log.info('mesh-sequence-outrun', { sequence: state.sequence })
    },
  })

  const store = (stored: StoredState, from: NodeId | undefined): void => {
    const before = database.get(stored.state.origin)?.state
    database.set(stored)
    if (before === undefined || !sameContent(before, stored.state)) mapChanged = true
    if (before === undefined || !sameListing(before.neighbours, stored.state.neighbours))
      routing.linksChanged()
    if (from !== undefined) routing.acquit(stored.state.origin)
    // Own news has waited for its hold already.
    const isUrgent = from === undefined || (before !== undefined && isWorse(before, stored.state))
    floods.add(stored, from, isUrgent)
  }

  const ownLinksChanged = (): void => {
    origination.request()
    routing.linksChanged()
  }

  const forgetMember = (id: NodeId): void => {
    if (database.delete(id) === undefined) return
    floods.drop(id)
    mapChanged = true
    routing.linksChanged()
  }

  const neighbourDown = (id: NodeId): void => {
    if (!adjacency.down(id)) return
    origination.requestNow()
    routing.suspect(id)
  }

  const onMessage = (from: NodeId, bytes: Uint8Array): void => {
    if (adjacency.get(from) === undefined) return counters.count('mesh_messages_total', { type: 'stranger' })
    let message: MeshMessage
    try {
      message = shared === undefined ? decodeMessage(bytes) : shared.messageOf(bytes)
    } catch (error) {
      if (!hasCode(error, 'MESH_MESSAGE_MALFORMED')) throw error
      log.warn('mesh-message-malformed', { from, reason: error.message })
      return counters.count('mesh_messages_total', { type: 'malformed' })
    }
    counters.count('mesh_messages_total', { type: message.type })
    switch (message.type) {
      case 'states':
        for (const envelope of message.envelopes) acceptance.offer(envelope, from)
        return
      case 'summary':
        return sync.onSummary(from, message.entries, (id) => acceptance.isRemoved(id))
      case 'request':
        return sync.onRequest(from, message.origins)
      case 'compare':
        return sync.onCompare(from, message.count, message.check)
      case 'routed':
      case 'trace':
      case 'traced':
        if (!relay.mayPass(from, bytes.length)) return
        if (message.type === 'routed') relay.onRouted(message, from)
        else if (message.type === 'trace') tracing.onProbe(message, from)
        else tracing.onAnswer(message, from)
    }
  }

  const dispatch = (event: MeshEvent): void => {
    switch (event.type) {
      case 'neighbour-up':
        if (event.id === self) throw new RangeError('a node is no neighbour of itself')
        adjacency.up(event.id, event.measurement)
        origination.linksUp(adjacency.size)
        routing.acquit(event.id)
        sync.sendSummary(event.id)
        return ownLinksChanged()
      case 'neighbour-down':
        return neighbourDown(event.id)
      case 'neighbour-metric': {
        const bytesBefore = adjacency.get(event.id)?.measurement.datagramBytes ?? 0
        if (!adjacency.measure(event.id, event)) return
        // A link that became narrower swallows long datagrams until their senders know.
        if (event.datagramBytes < bytesBefore) origination.requestNow()
        return ownLinksChanged()
      }
      case 'message':
        return onMessage(event.from, event.bytes)
      case 'member-removed':
        if (event.id === self) return
        acceptance.remove(event.id)
        forgetMember(event.id)
        if (adjacency.down(event.id)) origination.requestNow()
        return routing.compute()
      case 'member-known':
        return acceptance.known(event.id)
      case 'send-routed':
        return relay.send(event.to, event.payload)
      case 'trace':
        return tracing.start(event.to, event.traceId)
      case 'self-changed':
        return origination.describe(event)
      case 'tick':
        return
    }
  }

  const housekeep = (): void => {
    const { nowMs } = context
    for (const { state, bornMs } of database.values())
      if (state.origin !== self && nowMs - bornMs >= parameters.maxAgeMs) forgetMember(state.origin)
    acceptance.expire()
    adjacency.forget()
    const unfinished = acceptance.takeUnfinished().filter((id) => adjacency.get(id) !== undefined)
    if (nowMs >= nextSyncMs) {
      sync.sendCompare(adjacency.ids())
      nextSyncMs = nowMs + spread(random, parameters.syncMs)
    } else if (unfinished.length > 0) sync.sendCompare(unfinished)
    nextHousekeepingMs = nowMs + housekeepingMs
  }

  /** What time alone brings about. */
  const runDue = (): void => {
    const { nowMs } = context
    if (nextHousekeepingMs === undefined) {
      nextHousekeepingMs = nowMs + housekeepingMs
      nextSyncMs = nowMs + spread(random, parameters.syncMs)
      origination.begin()
    }
    if (nowMs >= nextHousekeepingMs) housekeep()
    acceptance.release()
    tracing.expire()
    if (nowMs >= reuseMs) ownLinksChanged()
    reuseMs = adjacency.nextReuseMs()
    if (origination.isDue()) {
      const own = origination.next(adjacency.listed())
      store(shared === undefined ? own : { ...own, ...shared.stateOf(own.body, own.signature) }, undefined)
    }
    routing.computeIfDue()
  }

  const nextWakeMs = (): number =>
    Math.min(
      nextHousekeepingMs ?? Infinity,
      origination.dueMs(),
      floods.dueMs(),
      routing.dueMs(),
      acceptance.nextReleaseMs(),
      tracing.nextDeadlineMs(),
      reuseMs,
    )

  return {
    handle(event, nowMs) {
      actions = []
      context.nowMs = Math.max(nowMs, context.nowMs)
      dispatch(event)
      runDue()
      floods.flushIfDue(adjacency.ids())
      if (mapChanged) context.emit({ type: 'topology-changed' })
      mapChanged = false
      const atMs = nextWakeMs()
      if (atMs !== wakeMs || atMs <= context.nowMs || event.type === 'tick') {
        wakeMs = atMs
        context.emit({ type: 'wake', atMs })
      }
      return actions
    },
    map: () => mapOfDatabase(self, database, context.nowMs),
    routes: () => routing.table,
    members: () => [...database.origins()],
    neighbours: () => [...adjacency.values()].map((neighbour) => viewOf(neighbour, adjacency)),
    graph: () => routing.graph,
    sequence: () => origination.sequence(),
  }
}

function viewOf({ id, cost, measurement }: Neighbour, adjacency: Adjacency): NeighbourView {
  return { id, costUs: cost.us, ...measurement, suppressed: adjacency.isSuppressed(id) }
}

/** Between 75 and 125 % of `intervalMs`, so that members do not fall into step. */
function spread(random: Random, intervalMs: number): number {
  const [a, b] = random.bytes(2)
  return intervalMs * (0.75 + ((a! << 8) | b!) / 131_072)
}
