import type { Edge, MeshNetwork } from './mesh-network.ts'

/** Cost of a measured link without loss: 500 µs and the round trip of twice the latency. */
export const costOf = (latencyMs: number): number => 500 + 2000 * latencyMs

/** All-pairs costs by Floyd and Warshall, in the simplest form there is. */
export function allPairs(size: number, edges: readonly Edge[]): number[][] {
  const cost = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => (i === j ? 0 : Infinity)),
  )
  for (const [a, b, latencyMs = 1] of edges) {
    cost[a]![b] = Math.min(cost[a]![b]!, costOf(latencyMs))
    cost[b]![a] = Math.min(cost[b]![a]!, costOf(latencyMs))
  }
  for (let k = 0; k < size; k++)
    for (let i = 0; i < size; i++) {
      const through = cost[i]![k]!
      if (through === Infinity) continue
      for (let j = 0; j < size; j++)
        if (through + cost[k]![j]! < cost[i]![j]!) cost[i]![j] = through + cost[k]![j]!
    }
  return cost
}

/** The nodes that a packet passes from `from` to `to` by the nodes' own tables; ends where there is no route or a loop. */
export function walk(network: MeshNetwork, from: number, to: number): number[] {
  const passed = [from]
  let at = from
  while (at !== to) {
    const route = network.node(at).mesh.routes().get(network.ids[to]!)
    if (route === undefined) return passed
    at = network.indexOf(route.nextHop)
    if (passed.includes(at)) return [...passed, at]
    passed.push(at)
  }
  return passed
}

/**
 * What is wrong with the routes of the nodes in `alive` when `edges` are the links that are up:
 * costs, missing or surplus routes, loops, ways other than planned, alternates that loop or do not protect. Empty if all is well.
 */
export function faultsOf(network: MeshNetwork, edges: readonly Edge[], alive: readonly number[]): string[] {
  const isAlive = new Set(alive)
  const links = edges.filter(([a, b]) => isAlive.has(a) && isAlive.has(b))
  const cost = allPairs(network.ids.length, links)
  const faults: string[] = []
  for (const s of alive) {
    const routes = network.node(s).mesh.routes()
    for (const d of alive) {
      if (s === d) continue
      const route = routes.get(network.ids[d]!)
      if ((route?.costUs ?? Infinity) !== cost[s]![d]!) {
        faults.push(`${s} to ${d} costs ${route?.costUs}, should cost ${cost[s]![d]}`)
        continue
      }
      if (route === undefined) continue
      const passed = walk(network, s, d)
      const planned = route.path.map((id) => network.indexOf(id))
      if (passed.slice(1).join(' ') !== planned.join(' '))
        faults.push(`${s} to ${d} takes ${passed.join(' ')}, planned ${planned.join(' ')}`)
      if (passed.at(-1) !== d) faults.push(`${s} to ${d} ends with ${passed.join(' ')}`)
      if (route.path.length !== route.hops || route.path.at(-1) !== network.ids[d])
        faults.push(`${s} to ${d}: path of ${route.path.length}, ${route.hops} hops`)
      if (route.alternate?.plane !== 'repair') continue
      const n = network.indexOf(route.alternate.neighbour)
      const e = network.indexOf(route.nextHop)
      const detour = walk(network, n, d)
      if (n === e || detour.at(-1) !== d || detour.includes(s))
        faults.push(`${s} to ${d}: alternate ${n} goes ${detour.join(' ')}`)
      if (route.alternate.kind === 'node-protecting' && detour.includes(e))
        faults.push(`${s} to ${d}: alternate ${n} passes ${e}: ${detour.join(' ')}`)
    }
    const surplus = [...routes.keys()].filter((id) => !isAlive.has(network.indexOf(id)))
    if (surplus.length > 0) faults.push(`${s} has routes to ${surplus.length} that are dead`)
  }
  return faults
}
