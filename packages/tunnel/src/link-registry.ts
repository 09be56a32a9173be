import type { Carrier, Command } from './commands.ts'
import type { Neighbour } from './contract.ts'
import { maxLinks } from './limits.ts'
import { full } from './peers.ts'
import type { FastPath } from './fast-path.ts'
import { trafficCell, trafficCells, type SharedState } from './shared-state.ts'
import { encodeSocketAddress, type Endpoint } from './socket-address.ts'

/** One keyed link, as the owner's thread knows it. */
export interface LinkRecord {
  readonly slot: number
  readonly neighbour: string
  readonly keys: string
  endpoint: Endpoint | undefined
  carrier: Carrier
  alive: boolean
  /** It lived at some time. */
  hasLived: boolean
  /** Set once a newer link of the neighbour lives, or replaces one that never did: this one only receives, for a while. */
  retiring: NodeJS.Timeout | undefined
}

/** Bytes and datagrams over the links of one neighbour. */
export interface LinkTraffic {
  readonly txBytes: number
  readonly txDatagrams: number
  readonly rxBytes: number
  readonly rxDatagrams: number
}

/**
 * The links of all neighbours. New keys make a second link in a slot of its own; the old one serves until the
 * new one lives, and receives for 5 s more, so that a renewal loses nothing. So does one that is replaced before it lived
 * here: over there it may live already, and carry all that the neighbour sends.
 */
export interface LinkRegistry {
  /** @throws X0tError DATA_PLANE_FULL; TypeError for an endpoint that is no address */
  set(neighbour: Neighbour): void
  remove(neighbourId: string): void
  get(slot: number): LinkRecord | undefined
  /** Records that a link lives or died; true if that changes whether its neighbour is up. */
  judged(link: LinkRecord, alive: boolean): boolean
  traffic(neighbourId: string): LinkTraffic
  close(): void
}

const retiredLinkMs = 5000

/** What the program in the kernel knows of links, where it runs. */
export type KernelLinks = Pick<FastPath, 'link' | 'inherited'>

export function createLinkRegistry(
  state: SharedState,
  tell: (command: Command) => void,
  kernel?: KernelLinks,
): LinkRegistry {
  const links = new Map<number, LinkRecord>()
  // Those of an earlier process come last, long after the kernel has let go of them.
  const isTaken = (slot: number): boolean => kernel?.inherited?.slots.has(slot) === true
  const allSlots = Array.from({ length: maxLinks }, (_, slot) => slot)
  const freeSlots = [...allSlots.filter((slot) => !isTaken(slot)), ...allSlots.filter(isTaken)]
  /** Traffic of a neighbour's links that are gone. */
  const past = new Map<string, Float64Array>()
  const linksOf = (neighbour: string): LinkRecord[] =>
    [...links.values()].filter((link) => link.neighbour === neighbour)
  const cellsOf = (link: LinkRecord): Float64Array =>
    state.linkTraffic.subarray(link.slot * trafficCells, (link.slot + 1) * trafficCells)
  const trafficOf = (link: LinkRecord): Float64Array => {
    const cells = Float64Array.from(cellsOf(link))
    const inKernel = kernel?.link(link.slot)
    if (inKernel === undefined) return cells
    cells[trafficCell.byReceiver]! += inKernel.txBytes
    cells[trafficCell.byReceiver + 1]! += inKernel.txDatagrams
    cells[trafficCell.received]! += inKernel.rxBytes
    cells[trafficCell.received + 1]! += inKernel.rxDatagrams
    return cells
  }
  const add = (to: Float64Array, from: Float64Array): void => {
    for (let i = 0; i < trafficCells; i++) to[i]! += from[i]!
  }
  const removeLink = (link: LinkRecord): void => {
    clearTimeout(link.retiring)
    if (!links.delete(link.slot)) return
    const sum = past.get(link.neighbour) ?? new Float64Array(trafficCells)
    past.set(link.neighbour, sum)
    add(sum, trafficOf(link))
    cellsOf(link).fill(0)
    // Not the slot that was freed last: a worker may still have a datagram of it at hand.
    freeSlots.push(link.slot)
    tell({ kind: 'unlink', slot: link.slot })
  }
  const retire = (link: LinkRecord): void => {
    if (link.retiring !== undefined) return
    link.retiring = setTimeout(() => {
      link.retiring = undefined
      const isLast = !linksOf(link.neighbour).some((other) => other !== link && other.alive)
      // The newer one never lived: this one serves on.
      if (!(link.alive && isLast)) removeLink(link)
    }, retiredLinkMs)
    link.retiring.unref()
  }
  return {
    set({ id, localLinkId, remoteLinkId, sendKey, receiveKey, endpoint, carrier }) {
      const socketAddress = endpoint && encodeSocketAddress(endpoint)
      const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
      const keys = `${localLinkId} ${remoteLinkId} ${hex(sendKey)} ${hex(receiveKey)}`
      const present = linksOf(id)
      const same = present.find((link) => link.keys === keys)
      if (same !== undefined && same.carrier === carrier) {
        if (socketAddress === undefined) return
        same.endpoint = endpoint
        tell({ kind: 'endpoint', slot: same.slot, endpoint: socketAddress })
        return
      }
      // Links that died go at once; a living one serves until the new one lives.
      if (same === undefined)
        for (const link of present) {
          if (link.alive) continue
          if (link.hasLived) removeLink(link)
          else retire(link)
        }
      const slot = same?.slot ?? freeSlots.shift()
      if (slot === undefined) throw full('links', maxLinks)
      if (same === undefined) Atomics.store(state.hopCounter, slot, 0n)
      const known = endpoint ?? same?.endpoint
      if (same === undefined) {
        const judgement = { alive: false, hasLived: false, retiring: undefined }
        links.set(slot, { slot, neighbour: id, keys, endpoint, carrier, ...judgement })
      } else {
        same.endpoint = known
        same.carrier = carrier
      }
      const address = known && encodeSocketAddress(known)
      const link = { slot, neighbour: id, localLinkId, remoteLinkId, sendKey, receiveKey, carrier }
      tell({ kind: 'link', ...link, endpoint: address })
    },
    remove(neighbourId) {
      for (const link of linksOf(neighbourId)) removeLink(link)
      past.delete(neighbourId)
    },
    get: (slot) => links.get(slot),
    judged(link, alive) {
      link.alive = alive
      link.hasLived ||= alive
      const siblings = linksOf(link.neighbour).filter((other) => other !== link)
      if (alive && link.retiring === undefined) for (const other of siblings) retire(other)
      // While keys are renewed there are two links; the neighbour is up as long as one of them is.
      return !siblings.some((other) => other.alive)
    },
    traffic(neighbourId) {
      const sum = Float64Array.from(past.get(neighbourId) ?? new Float64Array(trafficCells))
      for (const link of linksOf(neighbourId)) add(sum, trafficOf(link))
      const [a = 0, b = 0, c = 0, d = 0, rxBytes = 0, rxDatagrams = 0] = sum
      return { txBytes: a + c, txDatagrams: b + d, rxBytes, rxDatagrams }
    },
    close() {
      for (const link of links.values()) clearTimeout(link.retiring)
    },
  }
}
