import type { Arena } from './arena.ts'
import { field } from './datagram.ts'
import type { Link, Links } from './links.ts'
import type { Route, TreeHop } from './routes.ts'
import { stat } from './shared-state.ts'

/**
 * Planes of a datagram. It only ever rises from one to a higher one, never from red to blue, and within a plane the
 * remaining distance falls at every hop: whatever the relays believe of the topology, no datagram runs in a circle.
 */
export const plane = { shortest: 0, repair: 1, red: 2, blue: 3 } as const
export type Plane = (typeof plane)[keyof typeof plane]

/** Largest remaining distance that the header holds: 30 bits. */
export const maxRemaining = 2 ** 30 - 1

/** Plane and remaining distance into a header. */
export function writePlane({ view }: Arena, at: number, plane: number, remaining: number): void {
  view.setInt32(at + field.plane, (plane << 30) | remaining)
}

/** Counts datagrams that this node has put onto another plane. */
export function countDetour(stats: Float64Array, to: number, datagrams: number): void {
  stats[to === plane.repair ? stat.datagramsToRepair : stat.datagramsToTree]! += datagrams
}

/** Where a datagram goes and what its header says then. One object is used again and again: nothing is allocated. */
export interface Hop {
  link: Link | undefined
  plane: number
  /** µs on the planes `shortest` and `repair`, links on the trees. */
  remaining: number
}

export const createHop = (): Hop => ({ link: undefined, plane: 0, remaining: 0 })

/** Why a datagram goes nowhere. */
export type Refusal = 'down' | 'loop'

/** Decides by the links that live at this very moment: a failover needs no word from the owner. */
export interface Forwarding {
  /** The first hop of what this node sends, written to `hop`. */
  first(route: Route, hop: Hop): Refusal | undefined
  /** The first hop on one of the trees, red or blue; false if there is none or its link is dead. */
  tree(route: Route, plane: number, hop: Hop): boolean
  /** The next hop of a datagram that came from neighbour `from` on `plane` with `remaining`. */
  next(route: Route, plane: number, remaining: number, from: string, hop: Hop): Refusal | undefined
}

export function createForwarding(links: Pick<Links, 'alive'>): Forwarding {
  const take = (hop: Hop, link: Link, plane: number, remaining: number): undefined => {
    hop.link = link
    hop.plane = plane
    hop.remaining = remaining
  }
  const onTree = (entry: TreeHop | undefined, plane: number, remaining: number, hop: Hop): boolean => {
    if (entry === undefined || entry.hops >= remaining) return false
    const link = links.alive(entry.neighbour)
    if (link === undefined) return false
    take(hop, link, plane, entry.hops)
    return true
  }
  const decide = (
    route: Route,
    from: number,
    remaining: number,
    neighbour: string | undefined,
    hop: Hop,
  ): Refusal | undefined => {
    const link = links.alive(route.nextHop)
    const leads = link !== undefined && link.neighbour !== neighbour
    if (leads && route.feasibleUs < remaining) return take(hop, link, from, route.feasibleUs)
    const { alternate } = route
    if (alternate !== undefined && alternate.plane > from) {
      const other = links.alive(alternate.neighbour)
      // Only a tree may lead back to where the datagram came from.
      if (other !== undefined && (alternate.plane !== plane.repair || other.neighbour !== neighbour))
        return take(hop, other, alternate.plane, alternate.remaining)
    }
    if (onTree(route.red, plane.red, Infinity, hop) || onTree(route.blue, plane.blue, Infinity, hop))
      return undefined
    hop.link = undefined
    return link === undefined ? 'down' : 'loop'
  }
  return {
    first: (route, hop) => decide(route, plane.shortest, Infinity, undefined, hop),
    tree: (route, on, hop) => onTree(on === plane.red ? route.red : route.blue, on, Infinity, hop),
    next(route, on, remaining, from, hop) {
      if (on < plane.red) return decide(route, on, remaining, from, hop)
      const entry = on === plane.red ? route.red : route.blue
      if (onTree(entry, on, remaining, hop)) return undefined
      hop.link = undefined
      return entry !== undefined && entry.hops >= remaining ? 'loop' : 'down'
    },
  }
}
