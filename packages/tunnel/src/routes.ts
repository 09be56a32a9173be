import type { RouteEntry } from './commands.ts'
import type { RouteAlternate, TreeHop } from './contract.ts'

export type { TreeHop } from './contract.ts'

/**
 * The members do not learn of a change at the same moment. While some still have the old trees, a unit that travels on
 * old ones all the way arrives, one that changes between old and new ones may not: so sources hold on to the old trees
 * until the others have the new ones, and relays keep both for longer than that.
 */
export interface FormerTrees {
  readonly red: TreeHop | undefined
  readonly blue: TreeHop | undefined
  readonly changedAtMs: number
  /** True in the first half of this time: the old trees are the ones to use. */
  isHeld: boolean
  untilMs: number
}

/** For how long after the last change the former trees are used, and kept after that. */
const holdMs = 1000
/** No longer than this after the first change, should changes not end. */
const maxHoldMs = 3000

/** A destination as the loops use it: label and address as 32-bit words. */
export interface Route {
  readonly labelHigh: number
  readonly labelLow: number
  readonly address: readonly [number, number, number, number]
  readonly peer: number
  readonly nextHop: string
  readonly feasibleUs: number
  readonly alternate: RouteAlternate | undefined
  readonly red: TreeHop | undefined
  readonly blue: TreeHop | undefined
  /** The trees before they changed, for a while. */
  former: FormerTrees | undefined
  /** Everything goes on both trees at once. */
  readonly hitless: boolean
  /** Fragment of a unit that fits the path, bytes. */
  readonly datagramBytes: number
}

/** Lookup by label (relays) and by address (what comes from the TUN). */
export interface Routes {
  replace(entries: readonly RouteEntry[], nowMs: number): void
  /** Lets go of former trees whose time is over. */
  age(nowMs: number): void
  byLabel(high: number, low: number): Route | undefined
  byAddress(w0: number, w1: number, w2: number, w3: number): Route | undefined
  byPeer(peer: number): Route | undefined
  all(): Iterable<Route>
}

export function createRoutes(): Routes {
  // Both keys start with random bits, so one 32-bit word nearly always tells destinations apart.
  let labels = new Map<number, Route[]>()
  let addresses = new Map<number, Route[]>()
  let peers = new Map<number, Route>()
  /** Routes with former trees, and when the first of them is to be looked at. */
  const changing: Route[] = []
  let nextAgeMs = Infinity
  return {
    replace(entries, nowMs) {
      const before = peers
      changing.length = 0
      nextAgeMs = Infinity
      labels = new Map()
      addresses = new Map()
      peers = new Map()
      for (const entry of entries) {
        const route = toRoute(entry)
        route.former = formerTrees(before.get(route.peer), route, nowMs)
        if (route.former !== undefined) {
          changing.push(route)
          nextAgeMs = Math.min(nextAgeMs, route.former.untilMs)
        }
        append(labels, route.labelLow, route)
        append(addresses, route.address[1], route)
        peers.set(route.peer, route)
      }
    },
    age(nowMs) {
      if (nowMs < nextAgeMs) return
      nextAgeMs = Infinity
      for (let i = changing.length - 1; i >= 0; i--) {
        const route = changing[i]!
        const { former } = route
        if (former !== undefined && nowMs >= former.untilMs) {
          if (former.isHeld) {
            former.isHeld = false
            former.untilMs = nowMs + holdMs
          } else {
            route.former = undefined
          }
        }
        if (route.former === undefined) changing.splice(i, 1)
        else nextAgeMs = Math.min(nextAgeMs, route.former.untilMs)
      }
    },
    byLabel(high, low) {
      const found = labels.get(low)
      if (found === undefined) return undefined
      for (const route of found) if (route.labelHigh === high) return route
      return undefined
    },
    byAddress(w0, w1, w2, w3) {
      const found = addresses.get(w1)
      if (found === undefined) return undefined
      for (const route of found) {
        const { address } = route
        if (address[0] === w0 && address[2] === w2 && address[3] === w3) return route
      }
      return undefined
    },
    byPeer: (peer) => peers.get(peer),
    all: () => peers.values(),
  }
}

/** The four 32-bit words of an IPv6 address. */
export function addressWords(address: Uint8Array): [number, number, number, number] {
  const view = new DataView(address.buffer, address.byteOffset, 16)
  return [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)]
}

function toRoute(entry: RouteEntry): Route {
  const label = new DataView(entry.label.buffer, entry.label.byteOffset, 8)
  return {
    labelHigh: label.getUint32(0),
    labelLow: label.getUint32(4),
    address: addressWords(entry.address),
    peer: entry.peer,
    nextHop: entry.nextHop,
    feasibleUs: entry.feasibleUs,
    alternate: entry.alternate,
    red: entry.red,
    blue: entry.blue,
    former: undefined,
    hitless: entry.hitless,
    datagramBytes: entry.pathDatagramBytes,
  }
}

function formerTrees(before: Route | undefined, now: Route, nowMs: number): FormerTrees | undefined {
  if (before === undefined || before.labelHigh !== now.labelHigh || before.labelLow !== now.labelLow)
    return undefined
  const { former } = before
  if (sameHop(before.red, now.red) && sameHop(before.blue, now.blue)) return former
  if (before.red === undefined && before.blue === undefined) return former
  // One change rarely comes alone: what was there before the first of them is known to everybody.
  if (former?.isHeld === true)
    return { ...former, untilMs: Math.min(nowMs + holdMs, former.changedAtMs + maxHoldMs) }
  return { red: before.red, blue: before.blue, changedAtMs: nowMs, isHeld: true, untilMs: nowMs + holdMs }
}

function sameHop(a: TreeHop | undefined, b: TreeHop | undefined): boolean {
  return a?.neighbour === b?.neighbour && a?.hops === b?.hops
}

function append(map: Map<number, Route[]>, key: number, route: Route): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [route])
  else list.push(route)
}
