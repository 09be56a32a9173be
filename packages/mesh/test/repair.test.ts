import t from 'tap'
import type { NodeId } from '@x0t/core'
import type { TopologyGraph } from '../src/index.ts'
import { anyGraph, graphOf, seeded, tablesOf, twoConnected, walkPacket } from './random-graphs.ts'

/** Whether `to` is reached from `from` at all with a node or a link dead. */
function connects(
  graph: TopologyGraph,
  from: NodeId,
  to: NodeId,
  isAlive: (a: NodeId, b: NodeId) => boolean,
): boolean {
  const found = new Set([from])
  for (const id of found) {
    const u = graph.indexOf.get(id)!
    for (let edge = graph.offsets[u]!; edge < graph.offsets[u + 1]!; edge++) {
      const other = graph.ids[graph.targets[edge]!]!
      if (isAlive(id, other)) found.add(other)
    }
  }
  return found.has(to)
}

/** Walks every pair with every node and link on the way dead, before anyone's table knows; returns what was lost. */
function lossesOf(graph: TopologyGraph): { readonly failures: number; readonly lost: string[] } {
  const tables = tablesOf(graph)
  const lost: string[] = []
  let failures = 0
  for (const from of graph.ids)
    for (const [to, route] of tables.get(from)!) {
      const way = [from, ...route.path]
      const check = (what: string, isAlive: (a: NodeId, b: NodeId) => boolean): void => {
        if (!connects(graph, from, to, isAlive)) return
        failures++
        const walk = walkPacket(tables, from, to, isAlive)
        if (!walk.reached) lost.push(`${what}: ${walk.passed.map((id) => graph.indexOf.get(id)).join(' ')}`)
      }
      for (const [i, next] of route.path.entries()) {
        if (next !== to) check(`node ${graph.indexOf.get(next)}`, (a, b) => a !== next && b !== next)
        const here = way[i]!
        check(
          `link ${graph.indexOf.get(here)}-${graph.indexOf.get(next)}`,
          (a, b) => !((a === here && b === next) || (a === next && b === here)),
        )
      }
    }
  return { failures, lost }
}

t.test('in a two-connected graph no single failure on the way loses a packet', (t) => {
  let failures = 0
  for (let n = 0; n < 1500; n++) {
    const random = seeded(`repair ${n}`)
    const size = 3 + random.integer(10)
    const graph = graphOf(size, twoConnected(random, size), n % 3 === 0 ? random : undefined)
    const result = lossesOf(graph)
    failures += result.failures
    if (result.lost.length > 0) t.same(result.lost, [], `seed repair ${n}`)
  }
  t.ok(failures > 100_000, `${failures} failures`)
  t.end()
})

t.test('in any graph a failure that leaves a way loses nothing', (t) => {
  for (let n = 0; n < 500; n++) {
    const random = seeded(`any ${n}`)
    const size = 3 + random.integer(8)
    const { lost } = lossesOf(graphOf(size, anyGraph(random, size), n % 3 === 0 ? random : undefined))
    if (lost.length > 0) t.same(lost, [], `seed any ${n}`)
  }
  t.end()
})
