import { labelOfNodeId, overlayAddressBytes, type NodeId } from '@x0t/core'
import { planes, type RouteTable, type TreeHop } from '@x0t/mesh'
import type { RouteTarget } from '@x0t/tunnel'

/** The data plane's view of the routes; `isHitless` says to whom everything goes on both trees. */
export function routeTargets(table: RouteTable, isHitless: (destination: NodeId) => boolean): RouteTarget[] {
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
      hitless: isHitless(destination),
      pathDatagramBytes,
    }),
  )
}

function firstHop({ nextHop, hops }: TreeHop): NonNullable<RouteTarget['red']> {
  return { neighbour: nextHop, hops }
}
