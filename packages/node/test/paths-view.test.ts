import t from 'tap'
import { nodeIdFromBytes, type NodeId } from '@x0t/core'
import { buildGraph, computeRoutes, independentTrees, type ListedLink } from '@x0t/mesh'
import { pathsView } from '../src/paths-view.ts'

const idOf = (byte: number): NodeId => nodeIdFromBytes(new Uint8Array(32).fill(byte))
const [s, a, b, d] = [idOf(1), idOf(2), idOf(3), idOf(4)]

/** A square s-a-d-b-s with the diagonal a-b. */
const listed = new Map<NodeId, Map<NodeId, ListedLink>>([s, a, b, d].map((id) => [id, new Map()]))
for (const [from, to, costUs] of [
  [s, a, 1],
  [a, d, 1],
  [s, b, 5],
  [b, d, 5],
  [a, b, 1],
] as const) {
  listed.get(from)!.set(to, { costUs, datagramBytes: 1400 })
  listed.get(to)!.set(from, { costUs, datagramBytes: 1400 })
}
const graph = buildGraph(listed)
const route = computeRoutes(graph, s, { candidates: 32, trees: independentTrees(graph, s) }).get(d)
const nameOf = (id: NodeId): string => `n${[s, a, b, d].indexOf(id)}`

t.test('paths in use are marked, and both trees of a square are the two sides of it', (t) => {
  const { paths, cut, others, names } = pathsView({
    graph,
    self: s,
    to: d,
    count: 2,
    by: 'node',
    route,
    nameOf,
  })
  t.match(paths[0], { path: [a, d], costUs: 2, hops: 2 })
  t.match(paths[1], { path: [b, d], costUs: 10, hops: 2, uses: [/red|blue/] })
  t.ok(paths[0]!.uses.includes('shortest') && paths[0]!.uses.length === 2)
  t.equal(cut, null)
  t.same(others, [])
  t.same(names, { [s]: 'n0', [d]: 'n3', [a]: 'n1', [b]: 'n2' })
  t.end()
})

t.test('what is in use but none of the paths is told besides, and what a third path lacks', (t) => {
  const one = pathsView({ graph, self: s, to: d, count: 1, by: 'node', route, nameOf })
  t.match(one.others, [{ path: [b, d], costUs: 10 }])
  const three = pathsView({ graph, self: s, to: d, count: 3, by: 'link', route, nameOf })
  t.equal(three.paths.length, 2)
  t.same(three.cut?.links.length, 2)
  const gone = { ...route!, red: { nextHop: idOf(9), hops: 2, path: [idOf(9), d] } }
  t.match(pathsView({ graph, self: s, to: d, count: 1, by: 'node', route: gone, nameOf }).others, {
    length: 2,
  })
  t.match(pathsView({ graph, self: s, to: idOf(9), count: 1, by: 'node', route: undefined, nameOf }), {
    paths: [],
    cut: { nodes: [], links: [] },
  })
  t.end()
})
