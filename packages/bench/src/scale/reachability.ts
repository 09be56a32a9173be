import type { NodeId } from '@x0t/core'
import { forward, planes, sourceRemaining, type Plane } from '@x0t/mesh'
import type { SimulatedMesh } from './simulated-mesh.ts'

/** A pair of nodes that are connected, so that packets should pass. */
export type Pair = readonly [from: number, to: number]

/** True if a packet that follows the nodes' tables hop by hop, over links that live, arrives. */
export function arrives(mesh: SimulatedMesh, [from, to]: Pair): boolean {
  const destination = mesh.ids[to]!
  let at = from
  let before: NodeId | undefined
  let plane: Plane = planes.shortest
  let remaining = sourceRemaining
  while (at !== to) {
    const here = at
    const route = mesh.mesh(here).routes().get(destination)
    const hop = forward(route, plane, remaining, before, (id) => mesh.isAlive(here, id))
    if ('drop' in hop) return false
    before = mesh.ids[here]!
    at = mesh.indexOf(hop.next)
    plane = hop.plane
    remaining = hop.remaining
  }
  return true
}

/** All ordered pairs within each group. */
export function* pairsOf(groups: readonly (readonly number[])[]): Generator<Pair> {
  for (const group of groups)
    for (const from of group) for (const to of group) if (from !== to) yield [from, to]
}

/** Runs the simulation until a packet of every pair arrives; ms from now, at a grain of 1 ms, or undefined. */
export function untilConnected(
  mesh: SimulatedMesh,
  groups: readonly (readonly number[])[],
  maxMs: number,
): { readonly ms: number | undefined; readonly cutAtFirst: number; readonly pairs: number } {
  const { simnet } = mesh
  const startMs = simnet.nowMs
  let pairs = 0
  let failing: Pair[] = []
  for (const pair of pairsOf(groups)) {
    pairs++
    if (!arrives(mesh, pair)) failing.push(pair)
  }
  const cutAtFirst = failing.length
  while (failing.length > 0) {
    if (simnet.nowMs - startMs >= maxMs) return { ms: undefined, cutAtFirst, pairs }
    simnet.run(1)
    failing = failing.filter((pair) => !arrives(mesh, pair))
    // Who was connected may have been cut off meanwhile.
    if (failing.length === 0) failing = [...pairsOf(groups)].filter((pair) => !arrives(mesh, pair))
  }
  return { ms: simnet.nowMs - startMs, cutAtFirst, pairs }
}
