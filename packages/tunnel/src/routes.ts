import type { RouteEntry } from './commands.ts'
import type { RouteAlternate, TreeHop } from './contract.ts'

export type { TreeHop } from './contract.ts'

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
  /** Everything goes on both trees at once. */
  readonly hitless: boolean
  /** Fragment of a unit that fits the path, bytes. */
  readonly datagramBytes: number
}

/** Lookup by label (relays) and by address (what comes from the TUN). */
export interface Routes {
  replace(entries: readonly RouteEntry[]): void
  byLabel(high: number, low: number): Route | undefined
  byAddress(w0: number, w1: number, w2: number, w3: number): Route | undefined
  byPeer(peer: number): Route | undefined
}

export function createRoutes(): Routes {
  // Both keys start with random bits, so one 32-bit word nearly always tells destinations apart.
  let labels = new Map<number, Route[]>()
  let addresses = new Map<number, Route[]>()
  let peers = new Map<number, Route>()
  return {
    replace(entries) {
      labels = new Map()
      addresses = new Map()
      peers = new Map()
      for (const entry of entries) {
        const route = toRoute(entry)
        append(labels, route.labelLow, route)
        append(addresses, route.address[1], route)
        peers.set(route.peer, route)
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
    hitless: entry.hitless,
    datagramBytes: entry.pathDatagramBytes,
  }
}

function append(map: Map<number, Route[]>, key: number, route: Route): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [route])
  else list.push(route)
}
