import type { FastPathMaps } from './fast-path-maps.ts'
import { neighbourBytes, neighbourField, noIndex } from './fast-path-layout.ts'

/** The neighbours as the program knows them: by index, with the slots of two links each: the newest, and one that works. */
export interface NeighbourTable {
  /** Index of a neighbour, which it keeps until {@link NeighbourTable.retain} lets it go; `noIndex` if there is no room. */
  indexOf(id: string): number
  /** Slots of its links, the newest first; links of an earlier daemon stay behind them. */
  setSlots(id: string, slots: readonly number[]): void
  /** Frees the indexes of all others. */
  retain(isUsed: (id: string) => boolean): void
  /** Lets go of what an earlier daemon left. */
  releaseHeld(): void
}

interface Held {
  readonly index: number
  readonly slots: readonly number[]
}

/**
 * @param labelOf first 8 bytes of a neighbour's id
 * @param works the kernel can send over this link, and it lives
 */
export function createNeighbourTable(
  { neighbours }: Pick<FastPathMaps, 'neighbours'>,
  labelOf: (id: string) => Uint8Array,
  works: (slot: number) => boolean,
): NeighbourTable {
  const memory = neighbours.memory()
  const labels = new BigUint64Array(memory)
  const words = new Uint32Array(memory)
  const indexes = new Map<string, number>()
  const own = new Map<string, readonly number[]>()
  const held = new Map<bigint, Held>()
  const free: number[] = []
  const labelNumber = (label: Uint8Array): bigint =>
    new DataView(label.buffer, label.byteOffset, 8).getBigUint64(0, true)
  const write = (index: number, label: bigint, slots: readonly number[]): void => {
    // Two of three have not been answered yet where a link is replaced twice in a row: the third is what works.
    const [first = noIndex, ...others] = slots
    const second = others.find(works) ?? others[0] ?? noIndex
    // One store: the program never sees half of it.
    words[(index * neighbourBytes + neighbourField.slots) >>> 2] = (second << 16) | first
    labels[(index * neighbourBytes) >>> 3] = label
  }
  for (let index = 0; index * neighbourBytes < memory.byteLength; index++) {
    const label = labels[(index * neighbourBytes) >>> 3]!
    if (label === 0n) {
      free.push(index)
      continue
    }
    const pair = words[(index * neighbourBytes + neighbourField.slots) >>> 2]!
    held.set(label, { index, slots: [pair & 0xffff, pair >>> 16].filter((slot) => slot !== noIndex) })
  }
  const update = (id: string): void => {
    const index = indexes.get(id)
    if (index === undefined) return
    const label = labelNumber(labelOf(id))
    write(index, label, [...(own.get(id) ?? []), ...(held.get(label)?.slots ?? [])])
  }
  return {
    indexOf(id) {
      const known = indexes.get(id)
      if (known !== undefined) return known
      const index = held.get(labelNumber(labelOf(id)))?.index ?? free.shift()
      if (index === undefined) return noIndex
      indexes.set(id, index)
      update(id)
      return index
    },
    setSlots(id, slots) {
      if (slots.length === 0) own.delete(id)
      else own.set(id, slots)
      update(id)
    },
    retain(isUsed) {
      for (const [id, index] of indexes) {
        if (isUsed(id) || own.has(id) || held.has(labelNumber(labelOf(id)))) continue
        indexes.delete(id)
        write(index, 0n, [])
        free.push(index)
      }
    },
    releaseHeld() {
      const claimed = new Set(indexes.values())
      for (const { index } of held.values()) {
        if (claimed.has(index)) continue
        write(index, 0n, [])
        free.push(index)
      }
      held.clear()
      for (const id of indexes.keys()) update(id)
    },
  }
}
