import t from 'tap'
import type { NodeId } from '@x0t/core'
import { kDisjointPaths, type DisjointPaths, type TopologyGraph } from '../src/index.ts'
import { idOf, type Edge } from './mesh-network.ts'
import { anyGraph, graphOf, seeded } from './random-graphs.ts'
import { line } from './topologies.ts'

const numbersOf = (ids: readonly NodeId[]): number[] =>
  ids.map((id) => Array.from({ length: 20 }, (_, i) => i).find((i) => idOf(i) === id)!)

/** All simple paths, with their costs, in the simplest form there is. */
function simplePaths(graph: TopologyGraph, from: number, to: number): { nodes: number[]; cost: number }[] {
  const found: { nodes: number[]; cost: number }[] = []
  const go = (nodes: number[], cost: number): void => {
    const u = nodes.at(-1)!
    if (u === to) return void found.push({ nodes, cost })
    for (let edge = graph.offsets[u]!; edge < graph.offsets[u + 1]!; edge++) {
      const v = graph.targets[edge]!
      if (!nodes.includes(v)) go([...nodes, v], cost + graph.costsUs[edge]!)
    }
  }
  go([from], 0)
  return found
}

/** Least sum of `k` disjoint paths by trying all; Infinity where there are none. */
function leastSum(
  paths: readonly { nodes: number[]; cost: number }[],
  k: number,
  by: 'node' | 'link',
): number {
  const marks = paths.map(({ nodes }) => {
    const links = nodes.slice(1).map((v, i) => [nodes[i]!, v].toSorted((a, b) => a - b).join('-'))
    return new Set(by === 'node' && nodes.length > 2 ? nodes.slice(1, -1).map(String) : links)
  })
  const go = (first: number, left: number, used: ReadonlySet<string>): number => {
    if (left === 0) return 0
    let best = Infinity
    for (let i = first; i < paths.length; i++) {
      if (!marks[i]!.isDisjointFrom(used)) continue
      best = Math.min(best, paths[i]!.cost + go(i + 1, left - 1, used.union(marks[i]!)))
    }
    return best
  }
  return go(0, k, new Set())
}

const sumOf = ({ paths }: DisjointPaths): number => paths.reduce((sum, { costUs }) => sum + costUs, 0)

t.test('the trap: the shortest path must be given up for two to exist', (t) => {
  // 0-1-2-3 costs 3 and leaves nothing; the pair is 0-1-3 and 0-2-3, 5 each.
  const edges: Edge[] = [
    [0, 1, 1],
    [1, 2, 1],
    [2, 3, 1],
    [0, 2, 4],
    [1, 3, 4],
  ]
  const graph = graphOf(4, edges)
  t.equal(sumOf(kDisjointPaths(graph, idOf(0), idOf(3), 1)), 3)
  for (const by of ['node', 'link'] as const) {
    const two = kDisjointPaths(graph, idOf(0), idOf(3), 2, by)
    t.same(two.paths.map(({ path, costUs }) => `${numbersOf(path).join(' ')} at ${costUs}`).toSorted(), [
      '1 3 at 5',
      '2 3 at 5',
    ])
    t.equal(two.cut, undefined)
  }
  t.end()
})

t.test(
  'on random graphs the paths are disjoint, as many as there are, of the least sum, and the cut parts the ends',
  (t) => {
    for (let n = 0; n < 400; n++) {
      const random = seeded(`disjoint ${n}`)
      const size = 2 + random.integer(5)
      const graph = graphOf(size, anyGraph(random, size), random)
      const all = simplePaths(graph, 0, size - 1)
      for (const by of ['node', 'link'] as const)
        for (let k = 1; k <= 3; k++) {
          const result = kDisjointPaths(graph, graph.ids[0]!, graph.ids[size - 1]!, k, by)
          const count = result.paths.length
          t.equal(sumOf(result), leastSum(all, count, by), `seed disjoint ${n}, ${k} by ${by}`)
          if (count === k) continue
          t.equal(leastSum(all, count + 1, by), Infinity, `seed disjoint ${n}, ${k} by ${by}`)
          const { nodes, links } = result.cut!
          t.equal(nodes.length + links.length, count, `seed disjoint ${n}, ${k} by ${by}`)
          const isCut = all.every((path) => {
            const ids = path.nodes.map((node) => graph.ids[node]!)
            return (
              nodes.some((node) => ids.includes(node)) ||
              links.some(([a, b]) => ids.some((id, i) => id === a && ids[i + 1] === b))
            )
          })
          t.ok(isCut, `seed disjoint ${n}, ${k} by ${by}`)
        }
    }
    t.end()
  },
)

t.test('the cut names the relay or the link that all paths need, and nothing where there is no path', (t) => {
  const graph = graphOf(4, line(3))
  t.same(kDisjointPaths(graph, idOf(0), idOf(2), 2), {
    paths: [{ path: [idOf(1), idOf(2)], costUs: 2 }],
    cut: { nodes: [idOf(1)], links: [] },
  })
  t.same(kDisjointPaths(graph, idOf(0), idOf(2), 2, 'link').cut, { nodes: [], links: [[idOf(0), idOf(1)]] })
  for (const id of [idOf(3), idOf(9)])
    t.same(kDisjointPaths(graph, idOf(0), id, 2), { paths: [], cut: { nodes: [], links: [] } })
  t.throws(() => kDisjointPaths(graph, idOf(0), idOf(0), 2), RangeError)
  for (const k of [0, 1.5]) t.throws(() => kDisjointPaths(graph, idOf(0), idOf(1), k), RangeError)
  t.end()
})
