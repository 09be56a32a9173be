import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { nodeIdFromBytes, type NodeId } from '@x0t/core'
import {
  createMesh,
  createSharedWork,
  type Mesh,
  type MeshAction,
  type MeshEvent,
  type RouteTable,
} from '@x0t/mesh'
import { createSimnet, type Simnet } from '@x0t/simnet'
import type { ScaleTopology } from './topology.ts'

/** Routing nodes of a topology on a simulated network. */
export interface SimulatedMesh {
  readonly simnet: Simnet
  readonly ids: readonly NodeId[]
  /** Starts all nodes. */
  start(): void
  mesh(node: number): Mesh
  indexOf(id: NodeId): number
  isRunning(node: number): boolean
  /** True if the node knows the neighbour to be up, and it is. */
  isAlive(node: number, neighbour: NodeId): boolean
  kill(node: number): void
  boot(node: number): void
  cut(link: number): void
  mend(link: number): void
  /** When a next hop or a cost changed last, anywhere. */
  changedMs(): number
  /** Runs of the shortest-path computation so far. */
  spfRuns(): number
}

interface Identity {
  readonly id: NodeId
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/**
 * Every node is the routing state machine of the product with real Ed25519 signatures. Nodes share the answers of
 * verifications and computations that would be the same in each, which changes nothing but the time it takes.
 */
export function simulatedMesh({ nodes, links }: ScaleTopology, seed: number): SimulatedMesh {
  const simnet = createSimnet({ seed: `scale ${seed}`, sharesBuffers: true })
  const identities = Array.from({ length: nodes }, (_, index) => identityOf(`${seed} ${index}`))
  const ids = identities.map(({ id }) => id)
  const indices = new Map(ids.map((id, index) => [id, index]))
  const latency = new Map<string, number>()
  const loss = new Map<string, number>()
  const shared = createSharedWork()
  const verdicts = new Map<string, boolean>()
  const meshes: (Mesh | undefined)[] = ids.map(() => undefined)
  const up = ids.map(() => new Set<NodeId>())
  let changedMs = 0
  let spfRuns = 0

  const verifyOnce = (origin: NodeId, body: Uint8Array, signature: Uint8Array): boolean => {
    const key = createHash('sha256').update(origin).update(signature).update(body).digest('latin1')
    let isGood = verdicts.get(key)
    if (isGood === undefined) {
      isGood = verify(null, body, identities[indices.get(origin)!]!.publicKey, signature)
      verdicts.set(key, isGood)
    }
    return isGood
  }

  for (const [index, { id, privateKey }] of identities.entries()) {
    simnet.addNode(id, (host) => {
      const mesh = createMesh({
        self: id,
        name: `node-${index}`,
        addresses: ['192.0.2.1:7800'],
        sign: (body) => sign(null, body, privateKey),
        verify: (origin, body, signature) =>
          !indices.has(origin) ? 'unknown-origin' : verifyOnce(origin, body, signature) ? 'ok' : 'bad',
        random: host.random,
        wallMs: () => host.clock.wallMs(),
        firstSequence: host.clock.wallMs(),
        shared,
        counters: {
          count(name) {
            if (name === 'mesh_spf_total') spfRuns++
          },
        },
      })
      meshes[index] = mesh
      up[index]!.clear()
      let cancelWake = (): void => {}
      let table: RouteTable = new Map()
      const act = (action: MeshAction): void => {
        if (action.type === 'send') host.send(action.to, action.bytes)
        if (action.type === 'wake') {
          cancelWake()
          cancelWake = host.clock.setTimer(action.atMs - simnet.nowMs, () => handle({ type: 'tick' }))
        }
        if (action.type !== 'routes-changed') return
        if (!leadAlike(table, action.table)) changedMs = simnet.nowMs
        table = action.table
      }
      const handle = (event: MeshEvent): void => {
        for (const action of mesh.handle(event, simnet.nowMs)) act(action)
      }
      host.clock.setTimer(0, () => handle({ type: 'tick' }))
      return {
        receive: (from, bytes) => handle({ type: 'message', from: from as NodeId, bytes }),
        linkUp(neighbour) {
          up[index]!.add(neighbour as NodeId)
          const key = `${id} ${neighbour}`
          const measurement = {
            rttMs: 2 * latency.get(key)!,
            lossRatio: loss.get(key)!,
            datagramBytes: 1400,
            carrier: 'udp',
          } as const
          handle({ type: 'neighbour-up', id: neighbour as NodeId, measurement })
        },
        linkDown(neighbour) {
          up[index]!.delete(neighbour as NodeId)
          handle({ type: 'neighbour-down', id: neighbour as NodeId })
        },
      }
    })
  }
  for (const { a, b, latencyMs, lossRatio } of links) {
    simnet.connect(ids[a]!, ids[b]!, { latencyMs, lossRatio })
    for (const key of [`${ids[a]} ${ids[b]}`, `${ids[b]} ${ids[a]}`]) {
      latency.set(key, latencyMs)
      loss.set(key, lossRatio)
    }
  }
  const linkOf = (link: number) => simnet.link(ids[links[link]!.a]!, ids[links[link]!.b]!)
  return {
    simnet,
    ids,
    start() {
      for (const id of ids) simnet.start(id)
    },
    mesh: (node) => meshes[node]!,
    indexOf: (id) => indices.get(id)!,
    isRunning: (node) => simnet.isRunning(ids[node]!),
    isAlive: (node, neighbour) => up[node]!.has(neighbour) && simnet.link(ids[node]!, neighbour).isUp(),
    kill: (node) => simnet.stop(ids[node]!),
    boot: (node) => simnet.start(ids[node]!),
    cut: (link) => linkOf(link).down(),
    mend: (link) => linkOf(link).up(),
    changedMs: () => changedMs,
    spfRuns: () => spfRuns,
  }
}

/** PKCS #8 of an Ed25519 key up to its 32 bytes (RFC 8410 §7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A key that the seed fixes, so that ids and ties fall alike in every run. */
function identityOf(seed: string): Identity {
  const secret = createHash('sha256').update(`scale ${seed}`).digest()
  const key = Buffer.concat([pkcs8Head, secret])
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey)
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return { id: nodeIdFromBytes(createHash('sha256').update(spki).digest()), privateKey, publicKey }
}

/** True if both tables lead everywhere by the same neighbour at the same cost. */
function leadAlike(before: RouteTable, after: RouteTable): boolean {
  if (before.size !== after.size) return false
  for (const [id, route] of after) {
    const other = before.get(id)
    if (other?.nextHop !== route.nextHop || other.costUs !== route.costUs) return false
  }
  return true
}
