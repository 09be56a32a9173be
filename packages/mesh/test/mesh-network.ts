import { createHash, createHmac } from 'node:crypto'
import { nodeIdFromBytes, type NodeId } from '@x0t/core'
import { createSimnet, type SimHost, type Simnet } from '@x0t/simnet'
import {
  createMesh,
  createSharedWork,
  type SharedWork,
  type Mesh,
  type MeshAction,
  type MeshEvent,
  type MeshParameters,
  type RouteTable,
  type TraceResult,
} from '../src/index.ts'

/** A link between two nodes by their numbers; latency 1 ms where absent. */
export type Edge = readonly [a: number, b: number, latencyMs?: number]

export interface TestNode {
  readonly id: NodeId
  readonly mesh: Mesh
  readonly delivered: { readonly from: NodeId; readonly text: string }[]
  readonly traces: TraceResult[]
  readonly unroutable: NodeId[]
  readonly tables: { readonly atMs: number; readonly table: RouteTable }[]
  /** Neighbours that the node was told to be up. */
  readonly up: ReadonlySet<NodeId>
  do(event: MeshEvent): void
}

export interface NetworkOptions {
  readonly seed: string
  readonly size: number
  readonly edges: readonly Edge[]
  readonly parameters?: Partial<MeshParameters>
  /** First sequence of a node at its n-th boot; the wall clock by default. */
  readonly firstSequence?: (index: number, boot: number) => number
  /** What nodes know of others' keys at the start; all by default. */
  readonly knows?: (index: number, other: number) => boolean
  /** Sees every message and may return another in its place. */
  readonly tap?: (from: number, to: number, bytes: Uint8Array) => Uint8Array | undefined
  /** What the links do wrong. */
  readonly lossRatio?: number
  readonly sign?: (id: NodeId, body: Uint8Array) => Uint8Array
  readonly verify?: (id: NodeId, body: Uint8Array, signature: Uint8Array) => boolean
}

export interface MeshNetwork {
  readonly simnet: Simnet
  readonly ids: readonly NodeId[]
  node(index: number): TestNode
  /** All running nodes. */
  running(): readonly TestNode[]
  indexOf(id: NodeId): number
  /** Grows whenever a node's table or its view of its links changes. */
  changes(): number
  cut(a: number, b: number): void
  mend(a: number, b: number): void
  kill(index: number): void
  boot(index: number): void
}

const ids: NodeId[] = []

/** The id of the test node with this number. */
export const idOf = (index: number): NodeId =>
  (ids[index] ??= nodeIdFromBytes(createHash('sha256').update(`node ${index}`).digest()))

/** Stands for Ed25519 where hundreds of nodes sign: 64 bytes that only the holder of the "key" makes. */
export const cheapSignature = (id: NodeId, body: Uint8Array): Uint8Array =>
  createHmac('sha512', id).update(body).digest()

/** Mesh nodes on a simulated network, started, with every link up after the first event. */
export function createMeshNetwork(options: NetworkOptions): MeshNetwork {
  const simnet = createSimnet({ seed: options.seed, sharesBuffers: true })
  const ids = Array.from({ length: options.size }, (_, index) => idOf(index))
  const indexOf = new Map(ids.map((id, index) => [id, index]))
  const nodes: (TestNode | undefined)[] = ids.map(() => undefined)
  const boots = ids.map(() => 0)
  const latency = new Map<string, number>()
  const changes = { count: 0 }
  const shared = createSharedWork()
  for (const [index, id] of ids.entries()) {
    simnet.addNode(id, (host) => {
      const boot = boots[index]!++
      return bootNode({ options, simnet, host, index, id, boot, indexOf, nodes, latency, changes, shared })
    })
  }
  for (const [a, b, latencyMs = 1] of options.edges) {
    simnet.connect(ids[a]!, ids[b]!, { latencyMs, lossRatio: options.lossRatio ?? 0 })
    latency.set(`${ids[a]} ${ids[b]}`, latencyMs)
    latency.set(`${ids[b]} ${ids[a]}`, latencyMs)
  }
  for (const id of ids) simnet.start(id)
  return {
    changes: () => changes.count,
    simnet,
    ids,
    node: (index) => nodes[index]!,
    running: () => nodes.filter((node) => node !== undefined && simnet.isRunning(node.id)) as TestNode[],
    indexOf: (id) => indexOf.get(id)!,
    cut: (a, b) => simnet.link(ids[a]!, ids[b]!).down(),
    mend: (a, b) => simnet.link(ids[a]!, ids[b]!).up(),
    kill: (index) => simnet.stop(ids[index]!),
    boot: (index) => simnet.start(ids[index]!),
  }
}

interface BootOptions {
  readonly options: NetworkOptions
  readonly simnet: Simnet
  readonly host: SimHost
  readonly index: number
  readonly id: NodeId
  readonly boot: number
  readonly indexOf: ReadonlyMap<NodeId, number>
  readonly nodes: (TestNode | undefined)[]
  readonly latency: ReadonlyMap<string, number>
  readonly changes: { count: number }
  readonly shared: SharedWork
}

function bootNode(boots: BootOptions): {
  receive(from: string, bytes: Uint8Array): void
  linkUp(neighbour: string): void
  linkDown(neighbour: string): void
} {
  const { options, simnet, host, index, id, boot, indexOf, nodes, latency, changes, shared } = boots
  const { sign = cheapSignature, knows = () => true } = options
  const verify =
    options.verify ?? ((origin, body, signature) => Buffer.compare(sign(origin, body), signature) === 0)
  const known = new Set(
    [...indexOf].filter(([, other]) => other === index || knows(index, other)).map(([k]) => k),
  )
  const mesh = createMesh({
    self: id,
    name: `node-${index}`,
    addresses: [`10.0.0.${index}:4600`],
    features: ['udp'],
    sign: (body) => sign(id, body),
    verify: (origin, body, signature) =>
      known.has(origin) ? (verify(origin, body, signature) ? 'ok' : 'bad') : 'unknown-origin',
    random: host.random,
    shared,
    wallMs: () => host.clock.wallMs(),
    firstSequence: options.firstSequence?.(index, boot) ?? host.clock.wallMs(),
    ...(options.parameters === undefined ? {} : { parameters: options.parameters }),
  })
  const up = new Set<NodeId>()
  let cancelWake = (): void => {}
  const act = (action: MeshAction): void => {
    switch (action.type) {
      case 'send': {
        const bytes = options.tap?.(index, indexOf.get(action.to)!, action.bytes) ?? action.bytes
        return host.send(action.to, bytes)
      }
      case 'wake':
        if (action.atMs <= simnet.nowMs) throw new Error(`node ${index} asks to be woken in the past`)
        cancelWake()
        cancelWake = host.clock.setTimer(action.atMs - simnet.nowMs, () => node.do({ type: 'tick' }))
        return
      case 'deliver':
        node.delivered.push({ from: action.from, text: Buffer.from(action.payload).toString() })
        return
      case 'trace-result':
        node.traces.push(action)
        return
      case 'unroutable':
        node.unroutable.push(action.to)
        return
      case 'routes-changed':
        changes.count++
        node.tables.push({ atMs: simnet.nowMs, table: action.table })
        return
      case 'topology-changed':
    }
  }
  const node: TestNode = {
    id,
    mesh,
    delivered: [],
    traces: [],
    unroutable: [],
    tables: [],
    up,
    do(event) {
      if (event.type === 'neighbour-up') up.add(event.id)
      if (event.type === 'neighbour-down') up.delete(event.id)
      if (event.type.startsWith('neighbour-')) changes.count++
      if (event.type === 'member-known') known.add(event.id)
      if (event.type === 'member-removed') known.delete(event.id)
      for (const action of mesh.handle(event, simnet.nowMs)) act(action)
    },
  }
  nodes[index] = node
  host.clock.setTimer(0, () => node.do({ type: 'tick' }))
  return {
    receive: (from, bytes) => node.do({ type: 'message', from: from as NodeId, bytes }),
    linkUp: (neighbour) =>
      node.do({
        type: 'neighbour-up',
        id: neighbour as NodeId,
        measurement: {
          rttMs: 2 * latency.get(`${id} ${neighbour}`)!,
          lossRatio: 0,
          datagramBytes: 1400,
          carrier: 'udp',
        },
      }),
    linkDown: (neighbour) => node.do({ type: 'neighbour-down', id: neighbour as NodeId }),
  }
}
