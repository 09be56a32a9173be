import t from 'tap'
import { createMeshNetwork, type Edge, type MeshNetwork } from './mesh-network.ts'
import { faultsOf } from './oracle.ts'
import { grid, hasRecordedTopologies, line, randomGraph, recordedTopology, ring } from './topologies.ts'

const indices = (size: number): number[] => Array.from({ length: size }, (_, index) => index)

/** Time after which everything must have settled: holds of at most 2 s and the diameter. */
const settleMs = 6000

function settled(seed: string, size: number, edges: readonly Edge[]): MeshNetwork {
  const network = createMeshNetwork({ seed, size, edges })
  network.simnet.run(settleMs)
  return network
}

const topologies: readonly (readonly [name: string, size: number, edges: readonly Edge[]])[] = [
  ['a pair', 2, line(2)],
  ['a line of 12', 12, line(12)],
  ['a ring of 11', 11, ring(11)],
  ['a grid of 6 × 5', 30, grid(6, 5)],
  // 0-1-3 costs as much as 0-2-3.
  [
    'a diamond',
    4,
    [
      [0, 1, 2],
      [1, 3, 2],
      [0, 2, 2],
      [2, 3, 2],
    ],
  ],
  ...[1, 2, 3].map((n) => [`random graph ${n} of 40`, 40, randomGraph(`random ${n}`, 40, 3 + n)] as const),
]

for (const [name, size, edges] of topologies) {
  t.test(`on ${name} all routes are shortest and loop-free, and all alternates protect`, (t) => {
    const network = settled(name, size, edges)
    t.same(faultsOf(network, edges, indices(size)), [])
    t.same(network.node(0).mesh.map().nodes.length, size)
    t.end()
  })
}

t.test(
  'on the recorded mesh of Bielefeld, and after a tenth of its nodes died, the same holds',
  { skip: hasRecordedTopologies ? false : 'recorded topologies are not at hand' },
  (t) => {
    const { size, edges } = recordedTopology('freifunk-bielefeld')
    const network = settled('bielefeld', size, edges)
    t.same(faultsOf(network, edges, indices(size)), [])
    const dead = new Set(indices(size).filter((index) => index % 10 === 3))
    for (const index of dead) network.kill(index)
    network.simnet.run(settleMs)
    t.same(
      faultsOf(
        network,
        edges,
        indices(size).filter((index) => !dead.has(index)),
      ),
      [],
    )
    t.end()
  },
)

t.test('in a diamond each arm is the other’s node-protecting alternate', (t) => {
  const network = settled('diamond', 4, topologies[4]![2])
  const route = network.node(0).mesh.routes().get(network.ids[3]!)!
  t.same(new Set([route.nextHop, route.alternate?.neighbour]), new Set([network.ids[1], network.ids[2]]))
  t.equal(route.alternate?.kind, 'node-protecting')
  t.equal(route.pathDatagramBytes, 1400)
  t.equal(route.hops, 2)
  t.end()
})

t.test(
  'a neighbour’s death changes the routes within the same event, and to the node-protecting way',
  (t) => {
    // 0 reaches 3 through 1 (cheap) or 2; 1 also leads to 3 over 4, which is cheaper than 2 but dies with 1.
    const edges: Edge[] = [
      [0, 1, 1],
      [1, 3, 1],
      [0, 2, 5],
      [2, 3, 5],
      [0, 4, 1],
      [4, 1, 1],
    ]
    const network = settled('death', 5, edges)
    const { ids, simnet } = network
    t.equal(network.node(0).mesh.routes().get(ids[3]!)!.nextHop, ids[1])
    const tables = network.node(0).tables.length
    network.kill(1)
    const killedMs = simnet.nowMs
    simnet.run(0)
    const after = network.node(0).tables.at(-1)!
    t.equal(network.node(0).tables.length, tables + 1)
    t.equal(after.atMs, killedMs)
    // Without more knowledge 0-4-1-3 would look shortest.
    t.equal(after.table.get(ids[3]!)!.nextHop, ids[2])
    simnet.run(settleMs)
    t.same(faultsOf(network, edges, [0, 2, 3, 4]), [])
    t.end()
  },
)

t.test('where only the link died the neighbour is passed again as soon as it says so', (t) => {
  const edges: Edge[] = [
    [0, 1, 1],
    [1, 2, 1],
    [0, 3, 1],
    [3, 1, 1],
  ]
  const network = settled('link', 4, edges)
  const { ids, simnet } = network
  network.cut(0, 1)
  simnet.run(0)
  // 2 hangs on 1 alone: the suspect is better than nothing.
  t.equal(network.node(0).mesh.routes().get(ids[2]!)!.nextHop, ids[3])
  simnet.run(settleMs)
  t.same(faultsOf(network, edges.slice(1), indices(4)), [])
  t.end()
})

t.test('a cut mesh goes on in two parts and becomes one again', (t) => {
  const left = randomGraph('left', 12, 4)
  const right = randomGraph('right', 12, 4).map(([a, b, ms]): Edge => [a + 12, b + 12, ms!])
  const bridges: Edge[] = [
    [3, 15, 4],
    [7, 20, 4],
  ]
  const edges = [...left, ...right, ...bridges]
  const network = settled('partition', 24, edges)
  for (const [a, b] of bridges) network.cut(a, b)
  network.simnet.run(settleMs)
  t.same(faultsOf(network, [...left, ...right], indices(24)), [])
  // Long enough for each part to forget the other.
  network.simnet.run(200_000)
  t.equal(network.node(0).mesh.map().nodes.length, 12)
  t.equal(network.node(20).mesh.members().length, 12)
  for (const [a, b] of bridges) network.mend(a, b)
  network.simnet.run(settleMs)
  t.same(faultsOf(network, edges, indices(24)), [])
  t.end()
})

t.test('a dead node leaves the routes at once and the map after the maximum age', (t) => {
  const edges = grid(4, 4)
  const network = settled('death of one', 16, edges)
  network.kill(5)
  network.simnet.run(1000)
  const alive = indices(16).filter((index) => index !== 5)
  t.same(faultsOf(network, edges, alive), [])
  t.equal(network.node(0).mesh.members().length, 16)
  network.simnet.run(190_000)
  t.equal(network.node(0).mesh.members().length, 15)
  t.notOk(
    network
      .node(0)
      .mesh.map()
      .nodes.some((node) => node.id === network.ids[5]),
  )
  t.end()
})

t.test('under 20 % loss the mesh converges all the same', (t) => {
  const edges = randomGraph('lossy', 20, 4)
  const network = createMeshNetwork({ seed: 'lossy', size: 20, edges, lossRatio: 0.2 })
  network.simnet.run(settleMs)
  t.same(faultsOf(network, edges, indices(20)), [])
  t.end()
})

t.test('a quiet mesh sends little: one state a minute and node, and comparisons', (t) => {
  const edges = grid(4, 4)
  const network = settled('quiet', 16, edges)
  network.simnet.run(10_000)
  const tables = network.node(0).tables.length
  const before = network.simnet.delivered.messages
  network.simnet.run(60_000)
  const messages = network.simnet.delivered.messages - before
  // 16 states over 24 links, at most both ways, and 2.0 to 2.7 comparisons a minute each way; few false alarms.
  t.ok(messages < 16 * 48 + 48 * 2.7 + 60, String(messages))
  t.equal(network.node(0).tables.length, tables)
  t.end()
})
