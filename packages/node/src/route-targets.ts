import { labelOfNodeId, overlayAddressBytes } from '@x0t/core'
import type { RouteTable } from '@x0t/mesh'
import type { RouteTarget } from '@x0t/tunnel'

/** The data plane's view of the routes. */
export function routeTargets(table: RouteTable): RouteTarget[] {
  return [...table.values()].map((route) => ({
    label: labelOfNodeId(route.destination),
    address: overlayAddressBytes(route.destination),
    nextHop: route.nextHop,
    feasibleUs: route.costUs,
    ...(route.alternate === undefined
      ? {}
      : { alternate: { neighbour: route.alternate, plane: 1, remaining: Infinity } as const }),
    pathDatagramBytes: route.pathDatagramBytes,
  }))
}
