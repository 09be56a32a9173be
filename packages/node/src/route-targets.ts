import { labelOfNodeId, overlayAddressBytes } from '@x0t/core'
import { planes, type RouteTable, type TreeHop } from '@x0t/mesh'
import type { RouteTarget } from '@x0t/tunnel'

/** The data plane's view of the routes. */
export function routeTargets(table: RouteTable): RouteTarget[] {
  return [...table.values()].map(
    ({ destination, nextHop, feasibleUs, alternate, red, blue, pathDatagramBytes }) => ({
      label: labelOfNodeId(destination),
      address: overlayAddressBytes(destination),
      nextHop,
      feasibleUs,
      ...(alternate === undefined
        ? {}
        : {
            alternate: {
              neighbour: alternate.neighbour,
              plane: planes[alternate.plane],
              remaining: alternate.remaining,
            },
          }),
      ...(red === undefined ? {} : { red: firstHop(red) }),
      ...(blue === undefined ? {} : { blue: firstHop(blue) }),
      pathDatagramBytes,
    }),
  )
}

function firstHop({ nextHop, hops }: TreeHop): NonNullable<RouteTarget['red']> {
  return { neighbour: nextHop, hops }
}
