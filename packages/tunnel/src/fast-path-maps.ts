import type { BpfMap } from '@x0t/bpf'
import {
  layoutNumber,
  linkBytes,
  linkField,
  linkFlag,
  neighbourBytes,
  routeBytes,
  selfBytes,
  selfField,
  windowBytes,
} from './fast-path-layout.ts'

export type TableMap = Pick<BpfMap, 'get' | 'set' | 'delete' | 'entries'>
export type MemoryMap = Pick<BpfMap, 'memory'>

/** The maps of bpf/fastpath.h. */
export interface FastPathMaps {
  readonly self: MemoryMap
  readonly links: MemoryMap
  readonly linkIds: TableMap
  readonly windows: TableMap
  readonly neighbours: MemoryMap
  readonly routes: TableMap
  readonly mute: TableMap
  readonly counters: TableMap
  readonly events: Pick<BpfMap, 'onEvent'>
}

/** Names of the maps in the object, and the sizes of their values that this daemon knows. */
export const mapNames = {
  self: { name: 'fastpath_self', valueBytes: selfBytes },
  links: { name: 'fastpath_links', valueBytes: linkBytes },
  linkIds: { name: 'fastpath_link_ids', valueBytes: 4 },
  windows: { name: 'fastpath_windows', valueBytes: windowBytes },
  neighbours: { name: 'fastpath_neighbours', valueBytes: neighbourBytes },
  routes: { name: 'fastpath_routes', valueBytes: routeBytes },
  mute: { name: 'fastpath_mute', valueBytes: 1 },
  counters: { name: 'fastpath_counters', valueBytes: 8 },
  events: { name: 'fastpath_events', valueBytes: 0 },
} as const satisfies Readonly<
  Record<keyof FastPathMaps, { readonly name: string; readonly valueBytes: number }>
>

/** The maps of an object; undefined where one is missing or its values have another size. */
export function fastPathMaps(maps: ReadonlyMap<string, BpfMap>): FastPathMaps | undefined {
  const found: Partial<Record<keyof FastPathMaps, BpfMap>> = {}
  for (const [key, { name, valueBytes }] of Object.entries(mapNames)) {
    const map = maps.get(name)
    if (map === undefined || (valueBytes > 0 && map.spec.valueBytes !== valueBytes)) return undefined
    found[key as keyof FastPathMaps] = map
  }
  return found as FastPathMaps
}

/** What an earlier daemon left in maps of this layout. */
export interface Inherited {
  /** Slots in use, and the local link ids that lead to them. */
  readonly slots: ReadonlySet<number>
  readonly linkIds: ReadonlyMap<number, number>
  /** Neighbours that it had. */
  readonly neighbours: number
  readonly generation: number
}

/** Reads them; undefined if they are of another layout or of a daemon on another port. */
export function readInherited(maps: FastPathMaps, port: number): Inherited | undefined {
  const self = new DataView(maps.self.memory())
  if (self.getUint32(selfField.layout, true) !== layoutNumber || self.getUint16(selfField.port) !== port)
    return undefined
  const links = new DataView(maps.links.memory())
  const slots = new Set<number>()
  const neighbours = new Set<number>()
  for (let slot = 0; slot * linkBytes < links.byteLength; slot++) {
    const at = slot * linkBytes
    const flags = links.getUint32(at + linkField.flags, true)
    if ((flags & linkFlag.used) === 0) continue
    slots.add(slot)
    if ((flags & linkFlag.userAlive) !== 0) neighbours.add(links.getUint16(at + linkField.neighbour, true))
  }
  const linkIds = new Map<number, number>()
  for (const [key, value] of maps.linkIds.entries()) linkIds.set(readWord(key), readWord(value))
  return {
    slots,
    linkIds,
    neighbours: neighbours.size,
    generation: self.getUint32(selfField.generation, true),
  }
}

export function word(number: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, number, true)
  return bytes
}

function readWord(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
}
