import type { NodeId } from '@x0t/core'
import type { SeededRandom } from '@x0t/simnet'
import { forward, limits, planes, sourceRemaining, type Plane, type RouteTable } from '../src/index.ts'
import { createMeshNetwork, type Edge, type MeshNetwork } from './mesh-network.ts'
import { anyGraph, seeded, twoConnected, walkPacket } from './random-graphs.ts'

/** Longest pause between two groups of faults, and the time after which everything must have settled, ms. */
const maxPauseMs = 700
const settleMs = 5000

/** A mesh under a random sequence of faults; what is wrong is collected, never thrown. */
export interface FaultRun {
  readonly network: MeshNetwork
  /** The links that are there in the end, between nodes that live. */
  readonly edges: readonly Edge[]
  readonly alive: readonly number[]
  readonly checks: number
  readonly wrong: readonly string[]
}

interface InFlight {
  readonly to: NodeId
  readonly visits: Map<NodeId, number>
  at: NodeId
  before: NodeId | undefined
  plane: Plane
  remaining: number
}

/** Runs one: a random graph of 3 to 8 nodes, up to six groups of up to three faults at once. */
export function runFaults(seed: string): FaultRun {
  const random = seeded(seed)
  const size = 3 + random.integer(6)
  const edges = random.integer(3) === 0 ? anyGraph(random, size) : twoConnected(random, size)
  const network = createMeshNetwork({ seed, size, edges })
  const links = new Map(edges.map((edge) => [edge, true]))
  const alive = new Set(network.ids.keys())
  const wrong: string[] = []
  const watch = watchTables(network, random, wrong)
  watch.run(random.integer(2000))
  const groups = 1 + random.integer(6)
  for (let group = 0; group < groups; group++) {
    const faults = 1 + random.integer(3)
    for (let i = 0; i < faults; i++) doFault(network, random, links, alive)
    watch.run(random.integer(maxPauseMs))
  }
  watch.run(settleMs)
  const left = [...links].filter(([[a, b], isUp]) => isUp && alive.has(a) && alive.has(b))
  return { network, edges: left.map(([edge]) => edge), alive: [...alive], checks: watch.checks(), wrong }
}

function doFault(
  network: MeshNetwork,
  random: SeededRandom,
  links: Map<Edge, boolean>,
  alive: Set<number>,
): void {
  const all = [...links.keys()]
  const edge = all[random.integer(all.length)]
  const node = random.integer(network.ids.length)
  const set = (one: Edge, isUp: boolean): void => {
    if (links.get(one) === isUp) return
    links.set(one, isUp)
    if (isUp) network.mend(one[0], one[1])
    else network.cut(one[0], one[1])
  }
  switch (random.integer(7)) {
    case 0:
      if (edge !== undefined) set(edge, false)
      return
    case 1:
      if (edge !== undefined) set(edge, true)
      return
    case 2:
      alive.delete(node)
      return network.kill(node)
    case 3:
      alive.add(node)
      return network.boot(node)
    case 4: {
      // A partition: all links between two parts are cut; and the way back.
      const side = all.map(([a, b]) => a % 2 === b % 2)
      for (const [i, one] of all.entries()) if (side[i] === false) set(one, false)
      return
    }
    case 5:
      for (const one of all) set(one, true)
      return
    default: {
      if (edge === undefined || links.get(edge) === false || !alive.has(edge[0]) || !alive.has(edge[1]))
        return
      const [from, to] = random.integer(2) === 0 ? [edge[0], edge[1]] : [edge[1], edge[0]]
      network.node(from).do({
        type: 'neighbour-metric',
        id: network.ids[to]!,
        rttMs: 1 + random.integer(60),
        lossRatio: random.integer(3) === 0 ? random.number() / 2 : 0,
        datagramBytes: 1300 + random.integer(100),
        carrier: 'udp',
      })
    }
  }
}

interface TableWatch {
  run(durationMs: number): void
  checks(): number
}

/** Follows packets of all pairs through everyone's tables whenever one has changed, and some while tables change under them. */
function watchTables(network: MeshNetwork, random: SeededRandom, wrong: string[]): TableWatch {
  const { simnet, ids } = network
  let seen = -1
  let checks = 0
  let flying: InFlight[] = []

  const step = (packet: InFlight, tables: ReadonlyMap<NodeId, RouteTable>): boolean => {
    const here = packet.at
    if (here === packet.to) return false
    const { plane, remaining, before } = packet
    const hop = forward(tables.get(here)?.get(packet.to), plane, remaining, before, (id) =>
      isAlive(network, here, id),
    )
    if ('drop' in hop) return false
    Object.assign(packet, { before: here, at: hop.next, plane: hop.plane, remaining: hop.remaining })
    const visits = (packet.visits.get(hop.next) ?? 0) + 1
    packet.visits.set(hop.next, visits)
    if (visits > 3) wrong.push(`at ${simnet.nowMs} ms a packet came by ${visits} times`)
    return true
  }

  const check = (): void => {
    if (network.changes() === seen) return
    seen = network.changes()
    checks++
    const tables = tablesNow(network)
    for (const from of tables.keys())
      for (const to of ids) {
        if (from === to) continue
        try {
          walkPacket(tables, from, to, (a, b) => isAlive(network, a, b))
        } catch (error) {
          wrong.push(`at ${simnet.nowMs} ms: ${(error as Error).message}`)
        }
      }
    flying = flying.filter((packet) => step(packet, tables))
    const [from, to] = [ids[random.integer(ids.length)]!, ids[random.integer(ids.length)]!]
    flying.push({
      to,
      visits: new Map([[from, 1]]),
      at: from,
      before: undefined,
      plane: planes.shortest,
      remaining: sourceRemaining,
    })
  }

  return {
    run(durationMs) {
      // Faults change links outside of events.
      check()
      simnet.runUntil(() => {
        check()
        return false
      }, durationMs)
    },
    checks: () => checks,
  }
}

/** Tables of the nodes that run. */
export function tablesNow(network: MeshNetwork): Map<NodeId, RouteTable> {
  return new Map(network.running().map(({ id, mesh }) => [id, mesh.routes()]))
}

/** True if the link carries, and the node knows the neighbour to be up. */
export function isAlive(network: MeshNetwork, node: NodeId, neighbour: NodeId): boolean {
  const running = network.node(network.indexOf(node))
  return network.simnet.link(node, neighbour).isUp() && running.up.has(neighbour)
}

/** What each node that runs pays for its links, by node and neighbour. */
export function costsNow(network: MeshNetwork): Map<NodeId, ReadonlyMap<NodeId, number>> {
  return new Map(
    network
      .running()
      .map(({ id, mesh }) => [
        id,
        new Map(
          mesh.neighbours().map((link) => [link.id, link.suppressed ? limits.linkCostUs : link.costUs]),
        ),
      ]),
  )
}
