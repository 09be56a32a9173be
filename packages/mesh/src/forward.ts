import type { NodeId } from '@x0t/core'
import type { Route } from './route-table.ts'

/** Planes of a packet, as they stand in the hop header's two top bits. A packet's plane only rises, red and blue never change. */
export const planes = { shortest: 0, repair: 1, red: 2, blue: 3 } as const

export type PlaneName = keyof typeof planes
export type Plane = (typeof planes)[PlaneName]

/** Largest distance that a packet carries: 30 bits. */
export const maxRemaining = 2 ** 30 - 1

/** What the source of a packet passes to {@link forward} as its remaining distance: more than any. */
export const sourceRemaining = 2 ** 30

export type DropReason = 'no-route' | 'next-hop-down' | 'no-progress'

export type Forwarding =
  | { readonly next: NodeId; readonly plane: Plane; readonly remaining: number }
  | { readonly drop: DropReason }

/**
 * Where a packet goes next: the one rule that the mesh's own messages and the data plane follow.
 *
 * Within a plane the remaining distance falls with every hop and the plane only rises from shortest to repair to one
 * of the trees, so no packet comes by a node more than three times, whatever the tables say.
 * @param remaining as the packet carries it; {@link sourceRemaining} at its source
 * @param from the neighbour that it came from; undefined at its source
 */
export function forward(
  route: Route | undefined,
  plane: Plane,
  remaining: number,
  from: NodeId | undefined,
  isAlive: (neighbour: NodeId) => boolean,
): Forwarding {
  if (route === undefined) return { drop: 'no-route' }
  if (plane >= planes.red) return alongTree(route, plane === planes.red ? 'red' : 'blue', remaining, isAlive)
  const { nextHop, feasibleUs, alternate } = route
  const isBackwards = nextHop === from
  const isNextAlive = isAlive(nextHop)
  if (!isBackwards && isNextAlive && feasibleUs < remaining)
    return { next: nextHop, plane, remaining: feasibleUs }
  if (alternate?.plane === 'repair') {
    const { neighbour } = alternate
    if (plane === planes.shortest && neighbour !== from && isAlive(neighbour)) {
      // A next hop that lives would be taken again if the packet came back on this plane: it must not, so no one farther
      // than this node passes it on.
      const farthest = isNextAlive ? feasibleUs : Infinity
      return { next: neighbour, plane: planes.repair, remaining: Math.min(alternate.remaining, farthest) }
    }
  } else if (alternate !== undefined && isAlive(alternate.neighbour))
    return { next: alternate.neighbour, plane: planes[alternate.plane], remaining: alternate.remaining }
  const tree = treeBesides(route, isAlive)
  if (tree !== undefined) return tree
  return { drop: isNextAlive ? 'no-progress' : 'next-hop-down' }
}

function alongTree(
  route: Route,
  color: 'red' | 'blue',
  remaining: number,
  isAlive: (neighbour: NodeId) => boolean,
): Forwarding {
  const hop = route[color]
  if (hop === undefined) return { drop: 'no-route' }
  if (!(hop.hops < remaining)) return { drop: 'no-progress' }
  if (!isAlive(hop.nextHop)) return { drop: 'next-hop-down' }
  return { next: hop.nextHop, plane: planes[color], remaining: hop.hops }
}

/** Onto whichever tree leads over a living link, the shorter one first, then red. */
function treeBesides(route: Route, isAlive: (neighbour: NodeId) => boolean): Forwarding | undefined {
  const { red, blue } = route
  const isBlueShorter = (blue?.hops ?? Infinity) < (red?.hops ?? Infinity)
  for (const color of isBlueShorter ? (['blue', 'red'] as const) : (['red', 'blue'] as const)) {
    const hop = route[color]
    if (hop !== undefined && isAlive(hop.nextHop))
      return { next: hop.nextHop, plane: planes[color], remaining: hop.hops }
  }
  return undefined
}
