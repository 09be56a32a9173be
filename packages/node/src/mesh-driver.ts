import { messageOf, X0tError, type Clock, type Counters, type Log, type NodeId, type Random } from '@x0t/core'
import {
  createMesh,
  type Mesh,
  type MeshEvent,
  type MeshMap,
  type NeighbourView,
  type RouteTable,
  type TopologyGraph,
  type TraceResult,
  type Verify,
} from '@x0t/mesh'
import type { NodeState } from './node-state.ts'

export interface MeshDriverOptions {
  readonly self: NodeId
  readonly name: string
  readonly features: readonly string[]
  /** Neighbours whose packets the kernel went on forwarding while the node was down. */
  readonly keptNeighbours?: number
  readonly sign: (body: Uint8Array) => Uint8Array
  readonly verify: Verify
  readonly state: Pick<NodeState, 'linkStateSequence' | 'reserveLinkStateSequence'>
  readonly send: (to: NodeId, bytes: Uint8Array) => void
  readonly deliver: (from: NodeId, payload: Uint8Array) => void
  readonly onRoutes: (table: RouteTable) => void
  readonly onTopology: () => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly counters: Counters
}

/** Runs the routing state machine on real time: one event after the other, actions carried out in order. */
export interface MeshDriver extends Disposable {
  handle(event: MeshEvent): void
  /** Traces the way to a member; ends by the mesh's own time limit. @throws X0tError TRACES_RUNNING if too many are */
  trace(to: NodeId): Promise<TraceResult>
  map(): MeshMap
  routes(): RouteTable
  graph(): TopologyGraph
  neighbours(): readonly NeighbourView[]
}

/** Sequence numbers are reserved in the state file in steps of this many, so that not each one costs a write. */
const reservedAtOnce = 1000
/** Connections are made anew in a second or two; the kernel goes on forwarding for ten. */
const returningMs = 5000

export function createMeshDriver(options: MeshDriverOptions): MeshDriver {
  const { clock, random, state } = options
  const firstSequence = Math.max(state.linkStateSequence() + 1, Math.round(clock.wallMs()))
  let reserved = firstSequence + reservedAtOnce
  state.reserveLinkStateSequence(reserved)
  const mesh: Mesh = createMesh({
    self: options.self,
    name: options.name,
    addresses: [],
    features: options.features,
    sign: (body) => options.sign(body),
    verify: (origin, body, signature) => options.verify(origin, body, signature),
    random,
    wallMs: () => clock.wallMs(),
    firstSequence,
    returning: { neighbours: options.keptNeighbours ?? 0, forMs: returningMs },
    log: options.log,
    counters: options.counters,
  })
  const traces = new Map<string, (result: TraceResult) => void>()
  const waiting: MeshEvent[] = []
  let busy = false
  let cancelWake = (): void => {}

  /** An action may lead to another event before the actions at hand are done: it waits its turn. */
  const handle = (event: MeshEvent): void => {
    waiting.push(event)
    if (busy) return
    busy = true
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) carryOut(next)
    } finally {
      busy = false
    }
  }

  const carryOut = (event: MeshEvent): void => {
    for (const action of mesh.handle(event, clock.monotonicMs())) {
      switch (action.type) {
        case 'send':
          options.send(action.to, action.bytes)
          break
        case 'deliver':
          options.deliver(action.from, action.payload)
          break
        case 'routes-changed':
          options.onRoutes(action.table)
          break
        case 'topology-changed':
          options.onTopology()
          break
        case 'trace-result':
          traces.get(action.traceId)?.(action)
          traces.delete(action.traceId)
          break
        case 'unroutable':
          options.counters.count('routed_dropped_total', { reason: 'unroutable' })
          break
        case 'wake':
          cancelWake()
          cancelWake = Number.isFinite(action.atMs)
            ? clock.setTimer(Math.max(0, action.atMs - clock.monotonicMs()), () => handle({ type: 'tick' }))
            : () => {}
      }
    }
    if (mesh.sequence() < reserved - reservedAtOnce / 2) return
    reserved = mesh.sequence() + reservedAtOnce
    state.reserveLinkStateSequence(reserved)
  }

  return {
    handle,
    trace(to) {
      const traceId = Buffer.from(random.bytes(16)).toString('hex')
      const { promise, resolve } = Promise.withResolvers<TraceResult>()
      traces.set(traceId, resolve)
      try {
        handle({ type: 'trace', to, traceId })
      } catch (error) {
        traces.delete(traceId)
        throw new X0tError('TRACES_RUNNING', messageOf(error), {
          cause: error,
          hint: 'try again in a few seconds',
        })
      }
      return promise
    },
    map: () => mesh.map(),
    routes: () => mesh.routes(),
    graph: () => mesh.graph(),
    neighbours: () => mesh.neighbours(),
    [Symbol.dispose]: () => cancelWake(),
  }
}
