import { X0tError } from '@x0t/core'
import { idOfDump, typesOfDump } from './bpftool-btf.ts'
import { JsonFields, listOf } from './bpftool-json.ts'
import { mapInfoOf } from './bpftool-info.ts'
import type { Bpftool } from './bpftool-run.ts'
import type { BpfMap, BpfProgram, MapSpec, MapTypes } from './contract.ts'
import { isPerCpu, possibleCpus } from './per-cpu.ts'

const updateModes = { any: 'any', new: 'noexist', existing: 'exist' } as const

/** A map by its id: bpftool keeps nothing open, so it goes when nobody else holds it. */
export class BpftoolMap implements BpfMap {
  readonly spec: MapSpec
  readonly id: number
  readonly fd = -1
  readonly #tool: Bpftool
  readonly #release: () => void

  /** @param entry of `map show` @param name the whole name, if it is known @param release lets the map go */
  constructor(
    tool: Bpftool,
    entry: unknown,
    { name, release = () => undefined }: { name?: string; release?: () => void } = {},
  ) {
    const { id, pins: _, ...spec } = mapInfoOf(entry)
    this.id = id
    this.spec = { ...spec, name: name ?? spec.name }
    this.#tool = tool
    this.#release = release
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const found = this.#tool.json(`map ${this.spec.name} could not be read`, [
      ...this.#words('lookup'),
      ...this.#keyWords(key),
    ])
    return found === null ? undefined : this.#valueOf(new JsonFields(found))
  }

  set(key: Uint8Array, value: Uint8Array, mode: 'any' | 'new' | 'existing' = 'any'): void {
    const { name, type } = this.spec
    if (type === 'prog_array') throw this.#unsupported('takes programs, not their descriptors')
    if (value.length !== this.#carriedBytes)
      throw new RangeError(`map ${name} has values of ${this.#carriedBytes} bytes, not ${value.length}`)
    this.#tool.json(`map ${name} could not be written`, [
      ...this.#words('update'),
      ...this.#keyWords(key),
      'value',
      'hex',
      ...hex(this.#valueForAllCpus(value)),
      updateModes[mode],
    ])
  }

  setProgram(key: Uint8Array, program: BpfProgram): void {
    this.#tool.json(`map ${this.spec.name} could not be written`, [
      ...this.#words('update'),
      ...this.#keyWords(key),
      'value',
      'id',
      String(program.id),
    ])
  }

  delete(key: Uint8Array): boolean {
    const what = `an entry of map ${this.spec.name} could not be deleted`
    const { failure } = this.#tool.try(what, [...this.#words('delete'), ...this.#keyWords(key)])
    if (failure === undefined) return true
    // What is not there is told apart from a map that is not there by the words before.
    if (failure.code === 'BPF_OBJECT_NOT_FOUND' && failure.message.includes('delete failed')) return false
    throw failure
  }

  *entries(): Generator<readonly [Uint8Array, Uint8Array]> {
    const { name, keyBytes, type } = this.spec
    if (keyBytes === 0 || type === 'ringbuf') throw this.#unsupported(`is a ${type}, which has no entries`)
    for (const entry of listOf(this.#tool.json(`map ${name} could not be read`, this.#words('dump')))) {
      const fields = new JsonFields(entry)
      // bpftool has an error in place of a value that went meanwhile.
      const value = fields.get('value')
      if (!fields.has('values') && !Array.isArray(value)) continue
      yield [fields.bytes('key'), this.#valueOf(fields)]
    }
  }

  memory(): ArrayBuffer {
    throw this.#unsupported('cannot be mapped into memory')
  }

  types(): MapTypes | undefined {
    const what = `the types of map ${this.spec.name} could not be read`
    const btf = new JsonFields(this.#tool.json(what, this.#words('show'))).number('btf_id', 0)
    if (btf === 0) return undefined
    const one = (part: 'key' | 'value'): number =>
      idOfDump(this.#tool.json(what, ['btf', 'dump', 'map', 'id', String(this.id), part]))
    return {
      types: typesOfDump(this.#tool.json(what, ['btf', 'dump', 'id', String(btf)])),
      keyType: one('key'),
      valueType: one('value'),
    }
  }

  onEvent(): Disposable {
    throw this.#unsupported('gives no events')
  }

  pin(path: string): void {
    this.#tool.pin('map', this.id, path)
  }

  [Symbol.dispose](): void {
    this.#release()
  }

  get #carriedBytes(): number {
    const { type, valueBytes } = this.spec
    return isPerCpu(type) ? padded(valueBytes) * possibleCpus() : valueBytes
  }

  #words(verb: string): readonly string[] {
    return ['map', verb, 'id', String(this.id)]
  }

  #keyWords(key: Uint8Array): readonly string[] {
    const { name, keyBytes } = this.spec
    if (key.length !== keyBytes)
      throw new RangeError(`map ${name} has keys of ${keyBytes} bytes, not ${key.length}`)
    return ['key', 'hex', ...hex(key)]
  }

  #valueOf(fields: JsonFields): Uint8Array {
    if (!fields.has('values')) return fields.bytes('value')
    const whole = new Uint8Array(this.#carriedBytes)
    for (const entry of fields.list('values')) {
      const ofCpu = new JsonFields(entry)
      whole.set(ofCpu.bytes('value'), ofCpu.number('cpu') * padded(this.spec.valueBytes))
    }
    return whole
  }

  /** bpftool writes one value for every CPU. */
  #valueForAllCpus(value: Uint8Array): Uint8Array {
    const { type, valueBytes } = this.spec
    if (!isPerCpu(type)) return value
    const parts = Array.from({ length: possibleCpus() }, (_, cpu) =>
      value.subarray(cpu * padded(valueBytes), cpu * padded(valueBytes) + valueBytes),
    )
    const [first] = parts
    if (first === undefined || parts.some((part) => Buffer.compare(part, first) !== 0))
      throw this.#unsupported('takes one value for all CPUs')
    return first
  }

  #unsupported(why: string): X0tError {
    return new X0tError('BPF_UNSUPPORTED', `map ${this.spec.name} ${why} with bpftool`, { hint: nativeHint })
  }
}

/** What to do about what bpftool cannot. */
export const nativeHint = 'the native back end can: use Node.js 26.7 or later with node:ffi'

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

function hex(bytes: Uint8Array): readonly string[] {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
}
