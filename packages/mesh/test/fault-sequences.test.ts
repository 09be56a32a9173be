import t from 'tap'
import type { NodeId } from '@x0t/core'
import { buildGraph, independentTrees, planes, type ListedLink } from '../src/index.ts'
import { costsNow, isAlive, runFaults, tablesNow, type FaultRun } from './fault-sequences.ts'
import { createMeshNetwork, type Edge } from './mesh-network.ts'
import { walkPacket } from './random-graphs.ts'

const runs = 2000

t.setTimeout(300_000)

/** Least cost of every pair over the links that are there, each direction at its sender's cost. */
function leastCosts({ network, edges, alive }: FaultRun): number[][] {
  const { ids } = network
  const costs = costsNow(network)
  const cost = ids.map((_, i) => ids.map((_id, j) => (i === j ? 0 : Infinity)))
  for (const [a, b] of edges) {
    cost[a]![b] = costs.get(ids[a]!)!.get(ids[b]!)!
    cost[b]![a] = costs.get(ids[b]!)!.get(ids[a]!)!
  }
  for (const k of alive)
    for (const i of alive)
      for (const j of alive) cost[i]![j] = Math.min(cost[i]![j]!, cost[i]![k]! + cost[k]![j]!)
  return cost
}

/** What is not as it must be once the mesh has settled. */
function faultsAtRest(run: FaultRun): string[] {
  const { network, edges, alive } = run
  const { ids } = network
  const cost = leastCosts(run)
  const tables = tablesNow(network)
  const wrong: string[] = []
  const listed = new Map<NodeId, Map<NodeId, ListedLink>>(alive.map((i) => [ids[i]!, new Map()]))
  for (const [a, b] of edges) {
    listed.get(ids[a]!)!.set(ids[b]!, { costUs: 1, datagramBytes: 1 })
    listed.get(ids[b]!)!.set(ids[a]!, { costUs: 1, datagramBytes: 1 })
  }
  const graph = buildGraph(listed)
  for (const from of alive) {
    const table = tables.get(ids[from]!)!
    const trees = independentTrees(graph, ids[from]!)
    for (const to of alive) {
      if (from === to) continue
      const route = table.get(ids[to]!)
      const way = `${from} to ${to}`
      if ((route?.costUs ?? Infinity) !== cost[from]![to]!)
        wrong.push(`${way} costs ${route?.costUs}, should cost ${cost[from]![to]}`)
      if (route === undefined) continue
      if (route.feasibleUs !== route.costUs)
        wrong.push(`${way}: feasible ${route.feasibleUs} of ${route.costUs}`)
      const walk = walkPacket(tables, ids[from]!, ids[to]!, (a, b) => isAlive(network, a, b))
      if (!walk.reached) wrong.push(`${way} ends: ${walk.reason}`)
      if (walk.planes.some((plane) => plane !== planes.shortest))
        wrong.push(`${way} leaves the shortest path`)
      if (walk.passed.slice(1).join() !== route.path.join())
        wrong.push(`${way} takes another way than planned`)
      const both = trees.get(ids[to]!)!
      if (
        route.red?.path.join() !== both.red.path.join() ||
        route.blue?.path.join() !== both.blue.path.join()
      )
        wrong.push(`${way}: trees differ`)
    }
    for (const id of table.keys())
      if (!alive.includes(network.indexOf(id))) wrong.push(`${from} has a route to the dead`)
  }
  return wrong
}

t.test(
  'whatever fails when, no packet ever runs in a circle, and at last everyone who can be reached is, on the shortest way',
  (t) => {
    let checks = 0
    for (let n = 0; n < runs; n++) {
      const run = runFaults(`faults ${n}`)
      checks += run.checks
      const wrong = [...run.wrong, ...faultsAtRest(run)]
      if (wrong.length > 0) t.same(wrong.slice(0, 5), [], `seed faults ${n}`)
    }
    t.ok(checks > 10 * runs, `${checks} tables looked at`)
    t.end()
  },
)

t.test(
  'a link that flaps becomes a last resort after its fourth death, and is used again after a calm time',
  (t) => {
    // 0-1 is the shortest way from 0 to 1; over 2 it costs three times as much.
    const edges: Edge[] = [
      [0, 1, 1],
      [1, 2, 2],
      [0, 2, 2],
      [1, 3, 1],
    ]
    const network = createMeshNetwork({ seed: 'flaps', size: 4, edges })
    const { ids, simnet } = network
    const nextHop = (): number => network.indexOf(network.node(0).mesh.routes().get(ids[3]!)!.nextHop)
    simnet.run(5000)
    t.equal(nextHop(), 1)
    const before = network.node(3).tables.length
    for (let i = 0; i < 30; i++) {
      network.cut(0, 1)
      simnet.run(500)
      network.mend(0, 1)
      simnet.run(500)
      if (i >= 3) t.equal(nextHop(), 2, `flap ${i}`)
    }
    // Others hear of the first flaps only, and of the hold's news after: not twice or more for each of 30.
    t.ok(network.node(3).tables.length - before < 30, `${network.node(3).tables.length - before} tables`)
    // 8,000 is the highest penalty: three half-lives of 15 s to 1,000.
    simnet.run(50_000)
    t.equal(nextHop(), 1)
    t.end()
  },
)
