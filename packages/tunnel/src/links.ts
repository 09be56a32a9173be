import type { Arena } from './arena.ts'
import type { Carrier, LinkCommand } from './commands.ts'
import { noKernelView, type KernelView } from './kernel-view.ts'
import { maxLinks } from './limits.ts'
import { socketAddressBytes } from './socket-address.ts'

/** One keyed link to a neighbour, as a worker sees it. */
export interface Link {
  readonly slot: number
  readonly neighbour: string
  readonly localLinkId: number
  readonly remoteLinkId: number
  readonly sendKeyAt: number
  readonly receiveKeyAt: number
  /** struct sockaddr_in6 in the arena. */
  readonly socketAddressAt: number
  hasEndpoint: boolean
  carrier: Carrier
}

/** A worker's links: by neighbour for sending, by the id in the datagram for receiving. */
export interface Links {
  set(command: LinkCommand): Link
  setEndpoint(slot: number, endpoint: Uint8Array): void
  remove(slot: number): void
  byLocalId(localLinkId: number): Link | undefined
  bySlot(slot: number): Link | undefined
  /** The living link of a neighbour, the newest first; while keys are renewed there are two. */
  alive(neighbour: string | undefined): Link | undefined
  newest(neighbour: string): Link | undefined
  all(): Iterable<Link>
}

const slotBytes = 64

export function createLinks(
  arena: Arena,
  linkAlive: Int32Array,
  kernelView: Pick<KernelView, 'isDown'> = noKernelView,
): Links {
  const area = arena.allocate(slotBytes * maxLinks)
  const slots = new Map<number, Link>()
  const localIds = new Map<number, Link>()
  const neighbours = new Map<string, Link[]>()
  return {
    set(command) {
      const at = area + command.slot * slotBytes
      const link: Link = {
        slot: command.slot,
        neighbour: command.neighbour,
        localLinkId: command.localLinkId,
        remoteLinkId: command.remoteLinkId,
        sendKeyAt: at,
        receiveKeyAt: at + 16,
        socketAddressAt: at + 32,
        hasEndpoint: command.endpoint !== undefined,
        carrier: command.carrier,
      }
      arena.bytes.set(command.sendKey, link.sendKeyAt)
      arena.bytes.set(command.receiveKey, link.receiveKeyAt)
      if (command.endpoint !== undefined) arena.bytes.set(command.endpoint, link.socketAddressAt)
      const others = (neighbours.get(command.neighbour) ?? []).filter((other) => other.slot !== command.slot)
      neighbours.set(command.neighbour, [link, ...others])
      slots.set(command.slot, link)
      localIds.set(command.localLinkId, link)
      return link
    },
    setEndpoint(slot, endpoint) {
      const link = slots.get(slot)
      if (link === undefined) return
      arena.bytes.set(endpoint.subarray(0, socketAddressBytes), link.socketAddressAt)
      link.hasEndpoint = true
    },
    remove(slot) {
      const link = slots.get(slot)
      if (link === undefined) return
      slots.delete(slot)
      if (localIds.get(link.localLinkId) === link) localIds.delete(link.localLinkId)
      const rest = (neighbours.get(link.neighbour) ?? []).filter((other) => other !== link)
      if (rest.length === 0) neighbours.delete(link.neighbour)
      else neighbours.set(link.neighbour, rest)
      arena.bytes.fill(0, link.sendKeyAt, link.sendKeyAt + slotBytes)
    },
    byLocalId: (localLinkId) => localIds.get(localLinkId),
    bySlot: (slot) => slots.get(slot),
    alive(neighbour) {
      if (neighbour === undefined) return undefined
      const links = neighbours.get(neighbour)
      if (links === undefined) return undefined
      for (let i = 0; i < links.length; i++) {
        const { slot } = links[i]!
        if (linkAlive[slot] === 1 && !kernelView.isDown(slot)) return links[i]
      }
      return undefined
    },
    newest: (neighbour) => neighbours.get(neighbour)?.[0],
    all: () => slots.values(),
  }
}
