import { messageOf, type Log } from '@x0t/core'
import type { RouteEntry } from './commands.ts'
import { noIndex, routeBytes, routeField } from './fast-path-layout.ts'
import type { FastPathMaps } from './fast-path-maps.ts'
import { createRoutes, type Route, type TreeHop } from './routes.ts'

/** The route table as the program knows it. */
export interface RouteMirror {
  replace(entries: readonly RouteEntry[], nowMs: number): void
  /** Lets go of former trees in time. */
  age(nowMs: number): void
  /** Which neighbours the kernel can send to may have changed. */
  refresh(): void
  /** True if a route leads over this neighbour. */
  mentions(id: string): boolean
  /** Removes what an earlier daemon left. */
  releaseHeld(): void
}

export interface RouteMirrorOptions {
  readonly maps: Pick<FastPathMaps, 'routes'>
  readonly indexOf: (id: string) => number
  /** The kernel sees as well as this process does whether this neighbour can be sent to. */
  readonly isSeen: (id: string) => boolean
  readonly log: Log
}

export function createRouteMirror({ maps, indexOf, isSeen, log }: RouteMirrorOptions): RouteMirror {
  const routes = createRoutes()
  /** What the map has, by label in hexadecimal. */
  const written = new Map<string, Uint8Array>()
  /** Routes of an earlier daemon that this one has none for yet. */
  const held = new Map<string, Uint8Array>()
  /**
   * Over which neighbour, and at what distance, an earlier daemon reached each label. Over the same neighbour that counts
   * for a while: others have this node's former costs in mind, and a new daemon, which has measured nothing yet, would seem
   * to them to lead back. Over another neighbour it would be too little to arrive with.
   */
  const former = new Map<string, { readonly nextHop: number; readonly feasibleUs: number }>()
  for (const [label, value] of maps.routes.entries()) {
    held.set(hex(label), label)
    const view = viewOf(value)
    former.set(hex(label), {
      nextHop: view.getUint16(routeField.nextHop, true),
      feasibleUs: view.getUint32(routeField.feasibleUs, true),
    })
  }
  let mentioned = new Set<string>()
  let isChanging = false

  const dropHeld = (key: string): void => {
    const label = held.get(key)
    if (label === undefined) return
    held.delete(key)
    maps.routes.delete(label)
  }
  const write = (key: string, label: Uint8Array, value: Uint8Array): void => {
    if (written.get(key) !== undefined && Buffer.compare(written.get(key)!, value) === 0) return
    for (;;) {
      try {
        maps.routes.set(label, value)
        written.set(key, value)
        held.delete(key)
        return
      } catch (error) {
        const [oldest] = held.keys()
        if (oldest === undefined) {
          log.warn('fast-path-route-not-written', { label: key, reason: messageOf(error) })
          return
        }
        dropHeld(oldest)
      }
    }
  }
  const refresh = (): void => {
    const wanted = new Set<string>()
    mentioned = new Set()
    isChanging = false
    for (const route of routes.all()) {
      const ids = neighboursOf(route)
      for (const id of ids) mentioned.add(id)
      isChanging ||= route.former !== undefined
      // Half a route would lead elsewhere than this process does: such datagrams are left to it.
      if (!ids.every((id) => isSeen(id) && indexOf(id) !== noIndex)) continue
      const label = labelOf(route)
      const key = hex(label)
      wanted.add(key)
      const before = former.get(key)
      const isSameWay = before?.nextHop === indexOf(route.nextHop)
      const feasibleUs = isSameWay ? Math.min(route.feasibleUs, before.feasibleUs) : route.feasibleUs
      write(key, label, encodeRoute({ ...route, feasibleUs }, indexOf))
    }
    for (const key of written.keys()) {
      if (wanted.has(key)) continue
      written.delete(key)
      maps.routes.delete(Buffer.from(key, 'hex'))
    }
  }
  return {
    replace(entries, nowMs) {
      routes.replace(entries, nowMs)
      refresh()
    },
    age(nowMs) {
      routes.age(nowMs)
      if (isChanging) refresh()
    },
    refresh,
    mentions: (id) => mentioned.has(id),
    releaseHeld() {
      for (const key of held.keys()) dropHeld(key)
      former.clear()
      refresh()
    },
  }
}

/** struct fastpath_route. */
export function encodeRoute(route: Route, indexOf: (id: string) => number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(routeBytes)
  const view = new DataView(bytes.buffer)
  const { alternate, red, blue, former } = route
  const tree = (at: number, hop: TreeHop | undefined): void => {
    view.setUint16(at, hop === undefined ? noIndex : indexOf(hop.neighbour), true)
    view.setUint16(at + 2, Math.min(hop?.hops ?? 0, 0xffff), true)
  }
  view.setUint16(routeField.nextHop, indexOf(route.nextHop), true)
  view.setUint16(routeField.alternate, alternate === undefined ? noIndex : indexOf(alternate.neighbour), true)
  view.setUint32(routeField.feasibleUs, route.feasibleUs, true)
  view.setUint32(routeField.alternateRemaining, alternate?.remaining ?? 0, true)
  bytes[routeField.alternatePlane] = alternate?.plane ?? 0
  bytes[routeField.hasFormer] = former === undefined ? 0 : 1
  bytes[routeField.formerIsHeld] = former?.isHeld === true ? 1 : 0
  tree(routeField.red, red)
  tree(routeField.blue, blue)
  tree(routeField.formerRed, former?.red)
  tree(routeField.formerBlue, former?.blue)
  return bytes
}

function neighboursOf({ nextHop, alternate, red, blue, former }: Route): string[] {
  const trees = [red, blue, former?.red, former?.blue]
  return [
    nextHop,
    ...(alternate === undefined ? [] : [alternate.neighbour]),
    ...trees.flatMap((tree) => (tree === undefined ? [] : [tree.neighbour])),
  ]
}

/** The label as it lies in a datagram. */
function labelOf({ labelHigh, labelLow }: Route): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, labelHigh)
  view.setUint32(4, labelLow)
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
