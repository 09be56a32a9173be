import t from 'tap'
import type { NodeId } from '@x0t/core'
import { buildTrees, independentTrees, type TopologyGraph } from '../src/index.ts'
import { createTreeCache } from '../src/tree-cache.ts'
import { findBlocks } from '../src/blocks.ts'
import { stOrder } from '../src/st-numbering.ts'
import { idOf } from './mesh-network.ts'
import { anyGraph, graphOf, seeded, twoConnected } from './random-graphs.ts'
import { line, ring } from './topologies.ts'

const graphs = 400

/** Nodes that `from` reaches without passing `without`, and without the link `cut`. */
function reach(
  graph: TopologyGraph,
  from: number,
  without = -1,
  cut?: readonly [number, number],
): Set<number> {
  const found = new Set([from])
  for (const u of found)
    for (let edge = graph.offsets[u]!; edge < graph.offsets[u + 1]!; edge++) {
      const v = graph.targets[edge]!
      const isCut = cut !== undefined && ((u === cut[0] && v === cut[1]) || (u === cut[1] && v === cut[0]))
      if (v !== without && !isCut) found.add(v)
    }
  return found
}

const linksOf = (path: readonly NodeId[]): string[] =>
  path.slice(1).map((id, i) => [path[i]!, id].toSorted().join(' '))

t.test('an st-order puts every node but the ends between two of its neighbours', (t) => {
  for (let n = 0; n < graphs; n++) {
    const random = seeded(`order ${n}`)
    const size = 3 + random.integer(20)
    const graph = graphOf(size, twoConnected(random, size))
    const s = random.integer(size)
    const end = graph.targets[graph.offsets[s]!]!
    const order = stOrder(graph, s, end)
    const numbers = [...order].map((_, node) => order.indexOf(node))
    t.same(
      [...order].toSorted((a, b) => a - b),
      numbers.map((_, i) => i),
    )
    const isBetween = numbers.every((number, node) => {
      const others = [...graph.targets.subarray(graph.offsets[node], graph.offsets[node + 1])]
      const isAfter = others.some((other) => numbers[other]! < number)
      const isBefore = others.some((other) => numbers[other]! > number)
      return (isAfter || node === s) && (isBefore || node === end)
    })
    t.ok(isBetween && order[0] === s && order.at(-1) === end, `seed order ${n}`)
  }
  t.end()
})

t.test(
  'blocks: no two nodes of one are parted by the death of a third, and every link is in exactly one',
  (t) => {
    for (let n = 0; n < 200; n++) {
      const random = seeded(`blocks ${n}`)
      const size = 2 + random.integer(10)
      const graph = graphOf(size, anyGraph(random, size))
      const blocks = findBlocks(graph, 0)
      const links = [...reach(graph, 0)].reduce(
        (sum, u) => sum + graph.offsets[u + 1]! - graph.offsets[u]!,
        0,
      )
      t.equal(
        blocks.reduce((sum, block) => sum + block.targets.length, 0),
        links,
        `seed blocks ${n}`,
      )
      for (const { nodes } of blocks)
        for (const dead of nodes) {
          const [first, ...others] = [...nodes].filter((node) => node !== dead)
          const reached = reach(graph, first!, dead)
          t.ok(
            others.every((node) => reached.has(node)),
            `seed blocks ${n}`,
          )
        }
    }
    t.end()
  },
)

t.test('red and blue share only the nodes and links without which there is no way', (t) => {
  for (let n = 0; n < graphs; n++) {
    const random = seeded(`trees ${n}`)
    const size = 3 + random.integer(13)
    const graph = graphOf(size, n % 2 === 0 ? anyGraph(random, size) : twoConnected(random, size))
    for (const [s, self] of graph.ids.entries()) {
      const trees = independentTrees(graph, self)
      t.equal(trees.size, reach(graph, s).size - 1, `seed trees ${n}`)
      for (const [destination, { red, blue }] of trees) {
        const d = graph.indexOf.get(destination)!
        for (const id of red.path.slice(0, -1))
          if (blue.path.includes(id) && reach(graph, s, graph.indexOf.get(id)).has(d))
            t.fail(`seed trees ${n}: both ways from ${s} to ${d} pass a node that can be avoided`)
        const blueLinks = linksOf([self, ...blue.path])
        for (const link of linksOf([self, ...red.path])) {
          const [a, b] = link.split(' ').map((id) => graph.indexOf.get(id as NodeId)!)
          if (blueLinks.includes(link) && reach(graph, s, -1, [a!, b!]).has(d))
            t.fail(`seed trees ${n}: both ways from ${s} to ${d} use a link that can be avoided`)
        }
      }
    }
  }
  t.end()
})

t.test('every node on a way sees the rest of it as its own way, whatever the links cost', (t) => {
  for (let n = 0; n < 100; n++) {
    const random = seeded(`agree ${n}`)
    const size = 3 + random.integer(14)
    const edges = anyGraph(random, size)
    const graph = graphOf(size, edges)
    const trees = new Map(
      graph.ids.map((id) => [id, independentTrees(graphOf(size, edges.toReversed(), random), id)]),
    )
    for (const [self, paths] of trees)
      for (const [destination, both] of paths)
        for (const color of ['red', 'blue'] as const) {
          const { path, hops, nextHop } = both[color]
          t.ok(path.at(-1) === destination && path[0] === nextHop && path.length === hops)
          if (nextHop !== destination)
            t.same(
              trees.get(nextHop)!.get(destination)![color].path,
              path.slice(1),
              `seed agree ${n} ${self}`,
            )
        }
  }
  t.end()
})

t.test('on a ring red and blue go the two ways round, on a line both the same way', (t) => {
  const { red, blue } = independentTrees(graphOf(6, ring(6)), idOf(0)).get(idOf(2))!
  t.same(new Set([red.hops, blue.hops]), new Set([2, 4]))
  const chain = independentTrees(graphOf(4, line(4)), idOf(0)).get(idOf(3))!
  t.same(chain.red, chain.blue)
  t.same(chain.red.path, [idOf(1), idOf(2), idOf(3)])
  t.equal(independentTrees(graphOf(3, []), idOf(0)).size, 0)
  t.equal(independentTrees(graphOf(3, []), idOf(9)).size, 0)
  t.end()
})

t.test('nodes that share a cache get the same trees as without, and the work is done in slices', (t) => {
  const cache = createTreeCache()
  const size = 120
  const graph = graphOf(size, twoConnected(seeded('cache'), size))
  const other = graphOf(size, ring(size))
  for (const each of [graph, other, graph])
    for (const id of graph.ids.slice(0, 5))
      t.same(independentTrees(each, id, cache), independentTrees(each, id))
  const work = buildTrees(graph, graph.ids[0]!)
  let slices = 0
  while (work.next().done !== true) slices++
  t.ok(slices >= 0)
  const block = findBlocks(graph, 0)[0]!
  t.equal(cache(graph, block, 1), cache(graph, findBlocks(graph, 3)[0]!, 1))
  t.end()
})
