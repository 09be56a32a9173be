import t from 'tap'
import { labelOfNodeId, nodeIdFromBytes, overlayAddressBytes, type NodeId } from '@x0t/core'
import type { Route } from '@x0t/mesh'
import { routeTargets } from '../src/route-targets.ts'

const idOf = (byte: number): NodeId => nodeIdFromBytes(new Uint8Array(32).fill(byte))
const [a, b, c] = [idOf(1), idOf(2), idOf(3)]

const route: Route = {
  destination: c,
  nextHop: a,
  alternate: { neighbour: b, plane: 'blue', remaining: 3, kind: 'node-protecting' },
  costUs: 900,
  feasibleUs: 700,
  hops: 2,
  path: [a, c],
  red: { nextHop: a, hops: 2, path: [a, c] },
  blue: { nextHop: b, hops: 3, path: [b, idOf(4), c] },
  pathDatagramBytes: 1400,
}

t.test('the data plane gets next hop, feasible distance, alternate and trees with their numbers', (t) => {
  t.same(
    routeTargets(new Map([[c, route]]), (id) => id === c),
    [
      {
        label: labelOfNodeId(c),
        address: overlayAddressBytes(c),
        nextHop: a,
        feasibleUs: 700,
        alternate: { neighbour: b, plane: 3, remaining: 3 },
        red: { neighbour: a, hops: 2 },
        blue: { neighbour: b, hops: 3 },
        hitless: true,
        pathDatagramBytes: 1400,
      },
    ],
  )
  t.end()
})

t.test('what a route lacks is absent from the target', (t) => {
  const { alternate: _alternate, red: _red, blue: _blue, ...bare } = route
  const [target] = routeTargets(new Map([[c, bare]]), () => false)
  t.same(Object.keys(target!), ['label', 'address', 'nextHop', 'feasibleUs', 'hitless', 'pathDatagramBytes'])
  t.end()
})
