import { X0tError } from '@x0t/core'
import { failure } from './bpf-failure.ts'
import type { BpfMap, BpfProgram, MapSpec, MapTypes } from './contract.ts'
import { isPerCpu } from './per-cpu.ts'
import { mapFlag, errno } from './uapi.ts'
import { openMemoryStore, type MemoryStore } from './memory-store.ts'
import type { MapThing, MemoryHandle } from './memory-things.ts'

/** The contents of a map in memory; several handles share one. */
export class MemoryMapState {
  readonly spec: MapSpec
  readonly types: MapTypes | undefined
  readonly store: MemoryStore
  readonly listeners = new Set<(event: Uint8Array) => void>()
  isFrozen = false

  /** @throws X0tError BPF_UNSUPPORTED for a type of map that only a kernel has */
  constructor(spec: MapSpec, types: MapTypes | undefined, cpus: number) {
    this.spec = spec
    this.types = types
    this.store = openMemoryStore(spec, carriedBytes(spec, cpus))
  }

  /** Whether a program of this id is in the map. */
  holdsProgram(id: number): boolean {
    if (this.spec.type !== 'prog_array') return false
    return [...this.store.entries()].some(
      ([, value]) => new DataView(value.buffer, value.byteOffset).getUint32(0, true) === id,
    )
  }
}

function carriedBytes({ type, valueBytes }: MapSpec, cpus: number): number {
  return isPerCpu(type) ? Math.ceil(valueBytes / 8) * 8 * cpus : valueBytes
}

/** A handle of a map in memory. It refuses what the kernel refuses, with the same codes. */
export class MemoryMap implements BpfMap {
  readonly fd = -1
  readonly #handle: MemoryHandle<MapThing>

  constructor(handle: MemoryHandle<MapThing>) {
    this.#handle = handle
  }

  get id(): number {
    return this.#handle.thing.id
  }

  get #state(): MemoryMapState {
    return this.#handle.thing.state
  }

  get spec(): MapSpec {
    return this.#state.spec
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#checkKey(key)
    return this.#state.store.get(key)?.slice()
  }

  set(key: Uint8Array, value: Uint8Array, mode: 'any' | 'new' | 'existing' = 'any'): void {
    const { spec, store, isFrozen } = this.#state
    this.#checkKey(key)
    if (value.length !== store.valueBytes)
      throw new RangeError(`map ${spec.name} has values of ${store.valueBytes} bytes, not ${value.length}`)
    const what = `map ${spec.name} could not be written`
    if (isFrozen) throw failure(what, -errno.EPERM)
    const isThere = store.has(key)
    if (mode === 'new' && isThere) throw failure(what, -errno.EEXIST)
    if (mode === 'existing' && !isThere) throw failure(what, -errno.ENOENT)
    if (!store.set(key, value)) throw failure(what, -errno.E2BIG, { code: 'BPF_MAP_FULL' })
  }

  setProgram(key: Uint8Array, program: BpfProgram): void {
    if (this.spec.type !== 'prog_array')
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `map ${this.spec.name} is a ${this.spec.type}; programs go into a prog_array`,
      )
    // The kernel gives back the id of the program, not its descriptor.
    this.set(key, new Uint8Array(Uint32Array.of(program.id).buffer))
  }

  delete(key: Uint8Array): boolean {
    this.#checkKey(key)
    const { spec, store } = this.#state
    if (store.delete === undefined)
      throw failure(`an entry of map ${spec.name} could not be deleted`, -errno.EINVAL)
    return store.delete(key)
  }

  *entries(): Generator<readonly [Uint8Array, Uint8Array]> {
    this.#handle.check()
    const { spec, store } = this.#state
    if (spec.type === 'ringbuf')
      throw new X0tError('BPF_UNSUPPORTED', `map ${spec.name} is a ringbuf, which has no entries`)
    for (const [key, value] of store.entries()) yield [key.slice(), value.slice()]
  }

  memory(): ArrayBuffer {
    const { spec, store } = this.#state
    if (spec.type !== 'array' || (spec.flags & mapFlag.MMAPABLE) === 0 || store.memory === undefined)
      throw new X0tError('BPF_UNSUPPORTED', `map ${spec.name} is no array with BPF_F_MMAPABLE`)
    return store.memory
  }

  types(): MapTypes | undefined {
    return this.#state.types
  }

  onEvent(listener: (event: Uint8Array) => void): Disposable {
    const { spec, listeners } = this.#state
    if (spec.type !== 'ringbuf')
      throw new X0tError('BPF_UNSUPPORTED', `map ${spec.name} is a ${spec.type}; events come of a ringbuf`)
    listeners.add(listener)
    return { [Symbol.dispose]: () => void listeners.delete(listener) }
  }

  pin(path: string): void {
    this.#handle.pin(path)
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }

  #checkKey(key: Uint8Array): void {
    this.#handle.check()
    const { name, keyBytes } = this.spec
    if (key.length !== keyBytes)
      throw new RangeError(`map ${name} has keys of ${keyBytes} bytes, not ${key.length}`)
  }
}
