import type { Arena } from './arena.ts'
import { field } from './datagram.ts'
import type { Link, Links } from './links.ts'
import type { RouteAlternate } from './contract.ts'
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
  /** The link does not answer, but there is no other: a false alarm is likelier to be survived by trying. */
  isSilent: boolean
}

export const createHop = (): Hop => ({ link: undefined, plane: 0, remaining: 0, isSilent: false })

/** Why a datagram goes nowhere. */
export type Refusal = 'down' | 'loop'

/** Decides by the links that live at this very moment: a failover needs no word from the owner. */
export interface Forwarding {
  /** The first hop of what this node sends, written to `hop`. */
  first(route: Route, hop: Hop): Refusal | undefined
  /** The first hop on a tree, red or blue; false if there is none or its link is dead. */
  tree(route: Route, plane: number, hop: Hop): boolean
  /**
   * The hops of a unit that is to survive any single fault: both trees, the ordinary way in place of one that is cut off
   * here, and beside them while the trees change; also the tree that is cut off, in case it is not. Returns how many of `hops` (three) were written; 0: nothing leads there.
   */
  both(route: Route, hops: readonly Hop[]): number
  /** The next hop of a datagram that came from neighbour `from` on `plane` with `remaining`. */
  next(route: Route, plane: number, remaining: number, from: string, hop: Hop): Refusal | undefined
}

/**
 * What a datagram says that leaves for the alternate. A next hop that lives would be taken again if the datagram came back
 * on the plane `repair`: it must not, so nobody farther than this node passes it on.
 */
function leaving(route: Route, { plane: to, remaining }: RouteAlternate, link: Link | undefined): number {
  return to === plane.repair && link !== undefined ? Math.min(remaining, route.feasibleUs) : remaining
}

export function createForwarding(links: Pick<Links, 'alive' | 'newest'>): Forwarding {
  const take = (hop: Hop, link: Link, plane: number, remaining: number): undefined => {
    hop.link = link
    hop.plane = plane
    hop.remaining = remaining
    hop.isSilent = false
  }
  const enter = (entry: TreeHop | undefined, plane: number, remaining: number, hop: Hop): boolean => {
    if (entry === undefined || entry.hops >= remaining) return false
    const link = links.alive(entry.neighbour)
    if (link === undefined) return false
    take(hop, link, plane, entry.hops)
    return true
  }
  const onTree = (route: Route, on: number, remaining: number, prefersFormer: boolean, hop: Hop): boolean => {
    const isRed = on === plane.red
    const entry = isRed ? route.red : route.blue
    const { former } = route
    if (former === undefined) return enter(entry, on, remaining, hop)
    // Who sent this may not have changed to the new trees yet, or have changed already: its distance tells.
    const other = isRed ? former.red : former.blue
    const fits = entry?.hops === remaining - 1
    const otherFits = other?.hops === remaining - 1
    const isFormer = fits === otherFits ? prefersFormer : otherFits
    return isFormer
      ? enter(other, on, remaining, hop) || enter(entry, on, remaining, hop)
      : enter(entry, on, remaining, hop) || enter(other, on, remaining, hop)
  }
  /** Onto a tree whose first link is silent. */
  const onSilentTree = (route: Route, on: number, remaining: number, hop: Hop): boolean => {
    const entry = on === plane.red ? route.red : route.blue
    if (entry === undefined || entry.hops >= remaining) return false
    const link = links.newest(entry.neighbour)
    if (link === undefined) return false
    take(hop, link, on, entry.hops)
    hop.isSilent = true
    return true
  }
  const decide = (
    route: Route,
    from: number,
    remaining: number,
    neighbour: string | undefined,
    hop: Hop,
    silently: boolean,
  ): Refusal | undefined => {
    const link = links.alive(route.nextHop)
    const leads = link !== undefined && link.neighbour !== neighbour
    if (leads && route.feasibleUs < remaining) return take(hop, link, from, route.feasibleUs)
    const { alternate } = route
    if (alternate !== undefined && alternate.plane > from) {
      const other = links.alive(alternate.neighbour)
      // Only a tree may lead back to where the datagram came from.
      if (other !== undefined && (alternate.plane !== plane.repair || other.neighbour !== neighbour))
        return take(hop, other, alternate.plane, leaving(route, alternate, link))
    }
    // Both trees are as good against what failed here: the shorter.
    const isBlueShorter = (route.blue?.hops ?? Infinity) < (route.red?.hops ?? Infinity)
    const shorter = isBlueShorter ? plane.blue : plane.red
    const longer = isBlueShorter ? plane.red : plane.blue
    if (onTree(route, shorter, Infinity, false, hop) || onTree(route, longer, Infinity, false, hop))
      return undefined
    if (silently && link === undefined && route.feasibleUs < remaining) {
      // The last way out is a link that fell silent: it may live all the same, and what is dropped here is lost.
      const silent = links.newest(route.nextHop)
      if (silent !== undefined && silent.neighbour !== neighbour) {
        take(hop, silent, from, route.feasibleUs)
        hop.isSilent = true
        return undefined
      }
    }
    hop.link = undefined
    return link === undefined ? 'down' : 'loop'
  }
  return {
    first: (route, hop) => decide(route, plane.shortest, Infinity, undefined, hop, true),
    tree: (route, on, hop) => onTree(route, on, Infinity, false, hop),
    both(route, hops) {
      const holds = route.former?.isHeld === true
      const hasRed = onTree(route, plane.red, Infinity, holds, hops[0]!)
      let count = hasRed ? 1 : 0
      const hasBlue = onTree(route, plane.blue, Infinity, holds, hops[count]!)
      if (hasBlue) count++
      if (count === 2 && !holds) return 2
      const ordinary = hops[count]!
      if (decide(route, plane.shortest, Infinity, undefined, ordinary, false) === undefined) {
        let isNew = true
        for (let i = 0; i < count; i++)
          if (hops[i]!.link === ordinary.link && (hops[i]!.plane === ordinary.plane || !holds)) isNew = false
        if (isNew) count++
      }
      if (!hasRed && count < 3 && onSilentTree(route, plane.red, Infinity, hops[count]!)) count++
      if (!hasBlue && count < 3 && onSilentTree(route, plane.blue, Infinity, hops[count]!)) count++
      return count
    },
    next(route, on, remaining, from, hop) {
      if (on < plane.red) return decide(route, on, remaining, from, hop, true)
      if (onTree(route, on, remaining, route.former?.isHeld === true, hop)) return undefined
      // What is dropped here is lost for certain.
      if (onSilentTree(route, on, remaining, hop)) return undefined
      const entry = on === plane.red ? route.red : route.blue
      hop.link = undefined
      return entry !== undefined && entry.hops >= remaining ? 'loop' : 'down'
    },
  }
}
