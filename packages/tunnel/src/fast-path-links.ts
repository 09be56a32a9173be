import type { Command, LinkCommand } from './commands.ts'
import {
  kernelState,
  linkBytes,
  linkField,
  linkFlag,
  maxProbed,
  selfField,
  windowBytes,
} from './fast-path-layout.ts'
import { word, type FastPathMaps, type Inherited } from './fast-path-maps.ts'
import type { KernelPace } from './fast-path-pace.ts'
import type { NeighbourTable } from './fast-path-neighbours.ts'

/** The links as the program knows them: those that UDP carries, in the slots of the workers. */
export interface LinkMirror {
  apply(command: Extract<Command, { kind: 'link' | 'endpoint' | 'unlink' }>): void
  setPace(slot: number, pace: KernelPace): void
  /** Slots of this daemon's links, the newest first. */
  slots(): readonly number[]
  slotsOf(neighbour: string): readonly number[]
  /** A neighbour with a link that the kernel does not carry: it cannot judge whether that lives. */
  isSeen(neighbour: string): boolean
  /** Lets go of what an earlier daemon left. */
  releaseHeld(): void
}

interface Mirrored {
  readonly command: LinkCommand
  /** struct sockaddr_in6. */
  endpoint: Uint8Array | undefined
}

export interface LinkMirrorOptions {
  readonly maps: Pick<FastPathMaps, 'self' | 'links' | 'linkIds' | 'windows'>
  readonly neighbours: NeighbourTable
  readonly inherited: Inherited | undefined
  /** Pace of a new link. */
  readonly firstPace: KernelPace
}

export function createLinkMirror(options: LinkMirrorOptions): LinkMirror {
  const { maps, neighbours, inherited, firstPace } = options
  const memory = maps.links.memory()
  const view = new DataView(memory)
  const bytes = new Uint8Array(memory)
  const words = new Uint32Array(memory)
  const self = new DataView(maps.self.memory())
  /** All links by slot, the newest last. */
  const links = new Map<number, Mirrored>()
  const held = new Map(inherited?.linkIds)
  const heldSlots = new Set(inherited?.slots)

  const flags = (slot: number): number => (slot * linkBytes + linkField.flags) >>> 2
  const isInKernel = ({ command }: Mirrored): boolean => command.carrier === 'udp'
  const newestFirst = (): [number, Mirrored][] => [...links].toReversed()
  const slotsOf = (neighbour: string): number[] =>
    newestFirst().flatMap(([slot, link]) =>
      link.command.neighbour === neighbour && isInKernel(link) ? [slot] : [],
    )
  /** The newest link of each neighbour first, then the others, then those of an earlier daemon. */
  const updateProbed = (): void => {
    const seen = new Set<string>()
    const first: number[] = []
    const others: number[] = []
    for (const [slot, link] of newestFirst()) {
      if (!isInKernel(link) || link.endpoint === undefined) continue
      ;(seen.has(link.command.neighbour) ? others : first).push(slot)
      seen.add(link.command.neighbour)
    }
    const old = [...heldSlots].filter((slot) => (words[flags(slot)]! & linkFlag.probed) !== 0)
    const probed = [...first, ...others, ...old].slice(0, maxProbed)
    for (const [index, slot] of probed.entries()) {
      self.setUint16(selfField.probed + 2 * index, slot, true)
      Atomics.or(words, flags(slot), linkFlag.probed)
    }
    self.setUint16(selfField.probedCount, probed.length, true)
    for (const slot of [...links.keys(), ...heldSlots])
      if (!probed.includes(slot)) Atomics.and(words, flags(slot), ~linkFlag.probed)
  }
  const writeEndpoint = (slot: number, endpoint: Uint8Array | undefined): void => {
    const at = slot * linkBytes
    const address = endpoint?.subarray(8, 24) ?? new Uint8Array(16)
    const port = endpoint?.subarray(2, 4) ?? new Uint8Array(2)
    const isSame =
      Buffer.compare(bytes.subarray(at + linkField.remoteIp, at + linkField.remoteIp + 16), address) === 0 &&
      Buffer.compare(bytes.subarray(at + linkField.remotePort, at + linkField.remotePort + 2), port) === 0
    if (isSame) return
    // Where it is reached is learnt anew; nothing is sent until then.
    view.setUint32(at + linkField.ifindex, 0, true)
    bytes.set(address, at + linkField.remoteIp)
    bytes.set(port, at + linkField.remotePort)
  }
  const setPace = (slot: number, { intervalMs, deadlineMs, misses }: KernelPace): void => {
    const at = slot * linkBytes
    view.setBigUint64(at + linkField.deadlineNs, toNs(deadlineMs), true)
    view.setUint32(at + linkField.misses, misses, true)
    view.setBigUint64(at + linkField.intervalNs, toNs(intervalMs), true)
  }
  /** Takes a link out of use; its numbers stay, should it come back over UDP. */
  const suspend = (slot: number): void => {
    const link = links.get(slot)
    if (link === undefined) return
    links.delete(slot)
    if (!isInKernel(link)) return
    const { neighbour, localLinkId } = link.command
    neighbours.setSlots(neighbour, slotsOf(neighbour))
    maps.linkIds.delete(word(localLinkId))
    Atomics.store(words, flags(slot), 0)
    updateProbed()
  }
  const clear = (slot: number): void => {
    Atomics.store(words, flags(slot), 0)
    bytes.fill(0, slot * linkBytes, (slot + 1) * linkBytes)
  }
  const add = (command: LinkCommand): void => {
    const { slot, neighbour } = command
    const before = links.get(slot)?.command
    suspend(slot)
    const link = { command, endpoint: command.endpoint }
    links.set(slot, link)
    if (before === undefined || !hasSameKeys(before, command)) {
      clear(slot)
      for (const space of [0, 1]) maps.windows.set(word(slot * 2 + space), new Uint8Array(windowBytes))
    }
    if (!isInKernel(link)) return
    const at = slot * linkBytes
    view.setUint16(at + linkField.remoteLinkId, command.remoteLinkId, true)
    bytes.set(command.sendKey, at + linkField.sendKey)
    bytes.set(command.receiveKey, at + linkField.receiveKey)
    view.setUint16(at + linkField.neighbour, neighbours.indexOf(neighbour), true)
    view.setUint32(at + linkField.state, kernelState.unknown, true)
    writeEndpoint(slot, command.endpoint)
    setPace(slot, firstPace)
    Atomics.store(words, flags(slot), linkFlag.used)
    maps.linkIds.set(word(command.localLinkId), word(slot))
    neighbours.setSlots(neighbour, slotsOf(neighbour))
    updateProbed()
  }
  return {
    apply(command) {
      if (command.kind === 'link') return add(command)
      if (command.kind === 'unlink') {
        suspend(command.slot)
        return clear(command.slot)
      }
      const link = links.get(command.slot)
      if (link === undefined) return
      link.endpoint = command.endpoint
      if (!isInKernel(link)) return
      writeEndpoint(command.slot, command.endpoint)
      updateProbed()
    },
    setPace,
    slots: () => newestFirst().flatMap(([slot, link]) => (isInKernel(link) ? [slot] : [])),
    slotsOf,
    isSeen: (neighbour) =>
      [...links.values()].every((link) => link.command.neighbour !== neighbour || isInKernel(link)),
    releaseHeld() {
      for (const [id, slot] of held) if (!links.has(slot)) maps.linkIds.delete(word(id))
      for (const slot of heldSlots) if (!links.has(slot)) clear(slot)
      held.clear()
      heldSlots.clear()
      updateProbed()
    },
  }
}

function hasSameKeys(a: LinkCommand, b: LinkCommand): boolean {
  return (
    a.localLinkId === b.localLinkId &&
    a.remoteLinkId === b.remoteLinkId &&
    Buffer.compare(a.sendKey, b.sendKey) === 0 &&
    Buffer.compare(a.receiveKey, b.receiveKey) === 0
  )
}

function toNs(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6))
}
