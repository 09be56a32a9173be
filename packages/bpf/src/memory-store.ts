import { X0tError } from '@x0t/core'
import type { MapSpec } from './contract.ts'

/** Entries of a map in memory, by the rules of its type. */
export interface MemoryStore {
  /** Of a value as calls carry it. */
  readonly valueBytes: number
  get(key: Uint8Array): Uint8Array | undefined
  has(key: Uint8Array): boolean
  /** @returns false if there is no room */
  set(key: Uint8Array, value: Uint8Array): boolean
  /** Absent where entries cannot be deleted. */
  readonly delete?: (key: Uint8Array) => boolean
  entries(): Iterable<readonly [Uint8Array, Uint8Array]>
  /** All values of an array. */
  readonly memory?: ArrayBuffer
}

/** @throws X0tError BPF_UNSUPPORTED for a type of map that only a kernel has */
export function openMemoryStore(spec: MapSpec, valueBytes: number): MemoryStore {
  switch (spec.type) {
    case 'array':
    case 'percpu_array':
      return arrayStore(spec, valueBytes)
    case 'hash':
    case 'percpu_hash':
    case 'devmap_hash':
      return hashStore(spec, valueBytes, 'full')
    case 'lru_hash':
    case 'lru_percpu_hash':
      return hashStore(spec, valueBytes, 'oldest goes')
    case 'prog_array':
      return slotStore(spec, valueBytes)
    case 'lpm_trie':
      return prefixStore(spec, valueBytes)
    case 'ringbuf':
      return hashStore(spec, valueBytes, 'full')
    default:
      throw new X0tError('BPF_UNSUPPORTED', `the memory back end has no maps of type ${spec.type}`)
  }
}

/** Every index has a value from the start. */
function arrayStore({ maxEntries }: MapSpec, valueBytes: number): MemoryStore {
  const stride = Math.ceil(valueBytes / 8) * 8
  const memory = new ArrayBuffer(stride * maxEntries)
  const placeOf = (key: Uint8Array): Uint8Array | undefined => {
    const index = indexOf(key)
    return index < maxEntries ? new Uint8Array(memory, index * stride, valueBytes) : undefined
  }
  return {
    valueBytes,
    memory,
    get: placeOf,
    has: (key) => placeOf(key) !== undefined,
    set(key, value) {
      const place = placeOf(key)
      place?.set(value)
      return place !== undefined
    },
    *entries() {
      for (let index = 0; index < maxEntries; index++)
        yield [keyOf(index), new Uint8Array(memory, index * stride, valueBytes)]
    },
  }
}

/** An array whose slots may be empty. */
function slotStore(spec: MapSpec, valueBytes: number): MemoryStore {
  const slots = hashStore(spec, valueBytes, 'full')
  return { ...slots, set: (key, value) => indexOf(key) < spec.maxEntries && slots.set(key, value) }
}

function hashStore(
  { maxEntries }: MapSpec,
  valueBytes: number,
  whenFull: 'full' | 'oldest goes',
): MemoryStore {
  const byKey = new Map<string, readonly [Uint8Array, Uint8Array]>()
  return {
    valueBytes,
    get(key) {
      const found = byKey.get(textOf(key))
      if (found !== undefined && whenFull === 'oldest goes') {
        byKey.delete(textOf(key))
        byKey.set(textOf(key), found)
      }
      return found?.[1]
    },
    has: (key) => byKey.has(textOf(key)),
    set(key, value) {
      if (!byKey.has(textOf(key)) && byKey.size >= maxEntries) {
        const [oldest] = byKey.keys()
        if (whenFull === 'full' || oldest === undefined) return false
        byKey.delete(oldest)
      }
      byKey.set(textOf(key), [key.slice(), value.slice()])
      return true
    },
    delete: (key) => byKey.delete(textOf(key)),
    entries: () => byKey.values(),
  }
}

/** Keys are u32 bits of the prefix, then the address; the longest prefix that holds an address answers for it. */
function prefixStore(spec: MapSpec, valueBytes: number): MemoryStore {
  const prefixes = hashStore(spec, valueBytes, 'full')
  const maxBits = (spec.keyBytes - 4) * 8
  return {
    ...prefixes,
    get(key) {
      for (let bits = Math.min(indexOf(key), maxBits); bits >= 0; bits--) {
        const value = prefixes.get(masked(key, bits))
        if (value !== undefined) return value
      }
      return undefined
    },
    has: (key) => indexOf(key) <= maxBits && prefixes.has(masked(key, indexOf(key))),
    set: (key, value) => indexOf(key) <= maxBits && prefixes.set(masked(key, indexOf(key)), value),
    delete: (key) => indexOf(key) <= maxBits && prefixes.delete!(masked(key, indexOf(key))),
  }
}

function masked(key: Uint8Array, bits: number): Uint8Array {
  const prefix = key.slice()
  prefix.set(keyOf(bits))
  for (let bit = bits; bit < (key.length - 4) * 8; bit++) prefix[4 + (bit >> 3)]! &= ~(0x80 >> (bit & 7))
  return prefix
}

function indexOf(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset).getUint32(0, true)
}

function keyOf(index: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(index).buffer)
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}
