import type { FastPathMaps, TableMap } from '../../src/fast-path-maps.ts'
import { counterNames, linkBytes, neighbourBytes, selfBytes } from '../../src/fast-path-layout.ts'

/** A hash or array map in this process. @param room entries after which it is full */
export function fakeTable(room = Infinity): TableMap & { readonly content: Map<string, Uint8Array> } {
  const content = new Map<string, Uint8Array>()
  const keyOf = (key: Uint8Array): string => Buffer.from(key).toString('hex')
  return {
    content,
    get: (key) => content.get(keyOf(key)),
    set(key, value) {
      if (!content.has(keyOf(key)) && content.size >= room) throw new Error('full')
      content.set(keyOf(key), Uint8Array.from(value))
    },
    delete: (key) => content.delete(keyOf(key)),
    *entries() {
      for (const [key, value] of content) yield [new Uint8Array(Buffer.from(key, 'hex')), value] as const
    },
  }
}

/** Maps as the object declares them. */
export function fakeMaps({ routes = Infinity }: { routes?: number } = {}) {
  const memories = {
    self: new ArrayBuffer(selfBytes),
    links: new ArrayBuffer(512 * linkBytes),
    neighbours: new ArrayBuffer(512 * neighbourBytes),
  }
  const tables = {
    linkIds: fakeTable(),
    windows: fakeTable(),
    routes: fakeTable(routes),
    mute: fakeTable(),
    counters: fakeTable(),
  }
  for (const [index] of counterNames.entries()) {
    const cells = new BigUint64Array([BigInt(index), 1000n * BigInt(index)])
    tables.counters.set(new Uint8Array(Uint32Array.of(index).buffer), new Uint8Array(cells.buffer))
  }
  const maps: FastPathMaps = {
    self: { memory: () => memories.self },
    links: { memory: () => memories.links },
    neighbours: { memory: () => memories.neighbours },
    ...tables,
    events: { onEvent: () => ({ [Symbol.dispose]() {} }) },
  }
  return {
    maps,
    ...tables,
    self: new DataView(memories.self),
    links: new DataView(memories.links),
    neighbours: new DataView(memories.neighbours),
  }
}
