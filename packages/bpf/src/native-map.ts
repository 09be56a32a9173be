import { X0tError } from '@x0t/core'
import { Attributes } from './attributes.ts'
import { checked, failure } from './bpf-failure.ts'
import { parseBtf } from './btf.ts'
import type { BpfMap, BpfProgram, MapSpec, MapTypes } from './contract.ts'
import { adoptDescriptor, Descriptor, fixedText, pinDescriptor } from './descriptor.ts'
import { readBtfOfKernel } from './loaded-btf.ts'
import { mapMemory } from './map-memory.ts'
import { openRingBuffer } from './ring-buffer.ts'
import { isPerCpu, possibleCpus } from './per-cpu.ts'
import { errno, mapFlag, mapTypes } from './uapi.ts'

const updateModes = { any: 0n, new: 1n, existing: 2n } as const
/** Entries asked for at once. */
const batchEntries = 4096
/** Bytes of values asked for at once, whatever their size. */
const batchBytes = 1024 * 1024

/** A map of the kernel by its descriptor. */
export class NativeMap implements BpfMap {
  readonly spec: MapSpec
  readonly id: number
  readonly #descriptor: Descriptor
  readonly #info: DataView
  #memory: ArrayBuffer | undefined

  /** @param info struct bpf_map_info */
  constructor(fd: number, info: DataView, name?: string) {
    this.#info = info
    this.id = info.getUint32(4, true)
    this.spec = mapSpecOf(info, name)
    this.#descriptor = new Descriptor(fd, `map ${this.spec.name}`)
  }

  get fd(): number {
    return this.#descriptor.fd
  }

  /** Bytes of a value as calls carry it: per-CPU ones lie one after the other, padded to 8. */
  get #carriedBytes(): number {
    const { type, valueBytes } = this.spec
    return isPerCpu(type) ? roundUp(valueBytes, 8) * possibleCpus() : valueBytes
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#checkKey(key)
    const value = new Uint8Array(this.#carriedBytes)
    const result = this.#element(key, value).call('MAP_LOOKUP_ELEM')
    if (result === -errno.ENOENT) return undefined
    checked(result, `map ${this.spec.name} could not be read`)
    return value
  }

  set(key: Uint8Array, value: Uint8Array, mode: 'any' | 'new' | 'existing' = 'any'): void {
    this.#checkKey(key)
    if (value.length !== this.#carriedBytes) {
      throw new RangeError(
        `map ${this.spec.name} has values of ${this.#carriedBytes} bytes, not ${value.length}`,
      )
    }
    const result = this.#element(key, value).u64(24, updateModes[mode]).call('MAP_UPDATE_ELEM')
    if (result >= 0) return
    const isFull = result === -errno.E2BIG || result === -errno.ENOSPC || result === -errno.ENOMEM
    throw failure(
      `map ${this.spec.name} could not be written`,
      result,
      isFull ? { code: 'BPF_MAP_FULL' } : {},
    )
  }

  setProgram(key: Uint8Array, program: BpfProgram): void {
    this.set(key, new Uint8Array(Uint32Array.of(program.fd).buffer))
  }

  delete(key: Uint8Array): boolean {
    this.#checkKey(key)
    const result = this.#element(key, undefined).call('MAP_DELETE_ELEM')
    if (result === -errno.ENOENT) return false
    checked(result, `an entry of map ${this.spec.name} could not be deleted`)
    return true
  }

  *entries(): Generator<readonly [Uint8Array, Uint8Array]> {
    const { keyBytes, maxEntries } = this.spec
    if (keyBytes === 0 || this.spec.type === 'ringbuf') {
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `map ${this.spec.name} is a ${this.spec.type}, which has no entries`,
      )
    }
    const valueBytes = this.#carriedBytes
    let count = Math.max(
      1,
      Math.min(maxEntries, batchEntries, Math.floor(batchBytes / (keyBytes + valueBytes))),
    )
    let from: Uint8Array<ArrayBuffer> | undefined
    let to = new Uint8Array(roundUp(Math.max(keyBytes, 8), 8))
    for (;;) {
      const keys = new Uint8Array(count * keyBytes)
      const values = new Uint8Array(count * valueBytes)
      const attributes = new Attributes(56)
        .pointer(0, from)
        .pointer(8, to)
        .pointer(16, keys)
        .pointer(24, values)
        .u32(32, count)
        .u32(36, this.fd)
      const result = attributes.call('MAP_LOOKUP_BATCH')
      // A bucket of a hash table has more entries than were asked for.
      if (result === -errno.ENOSPC && count <= maxEntries) {
        count *= 2
        continue
      }
      const isFirst = from === undefined
      if (
        isFirst &&
        (result === -errno.ENOTSUPP || result === -errno.EOPNOTSUPP || result === -errno.EINVAL)
      ) {
        yield* this.#entriesOneByOne()
        return
      }
      if (result < 0 && result !== -errno.ENOENT)
        throw failure(`map ${this.spec.name} could not be read`, result)
      const found = attributes.getU32(32)
      for (let i = 0; i < found; i++) {
        yield [
          keys.subarray(i * keyBytes, (i + 1) * keyBytes),
          values.subarray(i * valueBytes, (i + 1) * valueBytes),
        ]
      }
      if (result === -errno.ENOENT) return
      const next = from ?? new Uint8Array(to.length)
      from = to
      to = next
    }
  }

  *#entriesOneByOne(): Generator<readonly [Uint8Array, Uint8Array]> {
    let key: Uint8Array | undefined
    // Keys that are deleted meanwhile start the walk anew: the limit ends it.
    for (let i = 0; i <= this.spec.maxEntries; i++) {
      const next = new Uint8Array(this.spec.keyBytes)
      const attributes = new Attributes(32).u32(0, this.fd).pointer(8, key).pointer(16, next)
      const result = attributes.call('MAP_GET_NEXT_KEY')
      if (result === -errno.ENOENT) return
      checked(result, `map ${this.spec.name} could not be read`)
      const value = this.get(next)
      if (value !== undefined) yield [next, value]
      key = next
    }
  }

  memory(): ArrayBuffer {
    const { name, type, valueBytes, maxEntries, flags } = this.spec
    if (type !== 'array' || (flags & mapFlag.MMAPABLE) === 0) {
      throw new X0tError('BPF_UNSUPPORTED', `map ${name} is no array with BPF_F_MMAPABLE`)
    }
    this.#memory ??= mapMemory(this.fd, roundUp(valueBytes, 8) * maxEntries)
    return this.#memory
  }

  types(): MapTypes | undefined {
    const id = this.#info.getUint32(64, true)
    if (id === 0) return undefined
    return {
      types: parseBtf(readBtfOfKernel(id)),
      keyType: this.#info.getUint32(68, true),
      valueType: this.#info.getUint32(72, true),
    }
  }

  onEvent(listener: (event: Uint8Array) => void): Disposable {
    if (this.spec.type !== 'ringbuf') {
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `map ${this.spec.name} is a ${this.spec.type}; events come of a ringbuf`,
      )
    }
    return openRingBuffer(this, listener)
  }

  freeze(): void {
    checked(new Attributes(4).u32(0, this.fd).call('MAP_FREEZE'), `map ${this.spec.name} could not be frozen`)
  }

  pin(path: string): void {
    pinDescriptor(this.fd, path, `map ${this.spec.name}`)
  }

  [Symbol.dispose](): void {
    this.#descriptor[Symbol.dispose]()
  }

  #element(key: Uint8Array, value: Uint8Array | undefined): Attributes {
    return new Attributes(32).u32(0, this.fd).pointer(8, key).pointer(16, value)
  }

  #checkKey(key: Uint8Array): void {
    const { name, keyBytes } = this.spec
    if (key.length !== keyBytes)
      throw new RangeError(`map ${name} has keys of ${keyBytes} bytes, not ${key.length}`)
  }
}

/**
 * The map of a descriptor, which it owns from here on.
 * @param name the whole name, if it is known: the kernel keeps 15 bytes
 */
export function adoptMap(fd: number, name?: string): NativeMap {
  return adoptDescriptor(fd, (info) => new NativeMap(fd, info, name))
}

/** struct bpf_map_info */
export function mapSpecOf(info: DataView, name?: string): MapSpec {
  return {
    name: name ?? fixedText(info, 24, 16),
    type: mapTypes[info.getUint32(0, true)] ?? `type ${info.getUint32(0, true)}`,
    keyBytes: info.getUint32(8, true),
    valueBytes: info.getUint32(12, true),
    maxEntries: info.getUint32(16, true),
    flags: info.getUint32(20, true),
  }
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to
}
