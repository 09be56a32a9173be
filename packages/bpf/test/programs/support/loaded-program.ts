import {
  createCodec,
  kernelEnum,
  openNativeBackend,
  readMetric,
  readProgram,
  readProgramManifests,
  type AttachTarget,
  type BpfMap,
  type BpfProgram,
  type LoadedObject,
  type LoadOptions,
  type MetricSample,
  type ShippedProgram,
} from '@x0t/bpf'

/** A shipped object in the kernel, with its maps by the names of their fields. */
export class LoadedProgram implements Disposable {
  readonly #name: ShippedProgram
  readonly #object: LoadedObject
  readonly #links = new DisposableStack()

  constructor(name: ShippedProgram, object: LoadedObject) {
    this.#name = name
    this.#object = object
  }

  program(name: string): BpfProgram {
    const program = this.#object.programs.get(name)
    if (program === undefined) throw new Error(`no program ${name}: ${JSON.stringify(this.#object.refusals)}`)
    return program
  }

  /** Attaches a program until this is disposed. */
  attach(name: string, target: AttachTarget): void {
    this.#links.use(this.program(name).attach(target))
  }

  /** Listens to a ring buffer until this is disposed. */
  listen(name: string, listener: (event: Uint8Array) => void): void {
    this.#links.use(this.map(name).onEvent(listener))
  }

  map(name: string): BpfMap {
    const map = this.#object.maps.get(name)
    if (map === undefined) throw new Error(`no map ${name}`)
    return map
  }

  /** Writes an entry; fields of the value that are not given are zero. */
  set(name: string, key: unknown, value: unknown): void {
    const { types, keyType, valueType } = this.map(name).types()!
    const codec = createCodec(types, valueType)
    const map = this.map(name)
    map.set(createCodec(types, keyType).encode(key), codec.encode(value, new Uint8Array(codec.bytes)))
  }

  /** An entry by the names of its fields; undefined if there is none. */
  get(name: string, key: unknown): Record<string, unknown> | undefined {
    const { types, keyType, valueType } = this.map(name).types()!
    const bytes = this.map(name).get(createCodec(types, keyType).encode(key))
    if (bytes === undefined) return undefined
    return createCodec(types, valueType).decode(bytes) as Record<string, unknown>
  }

  /** A metric as Prometheus would get it. */
  async metric(name: string): Promise<MetricSample[]> {
    const manifest = (await readProgramManifests())[this.#name]
    const metric = manifest.metrics.find((candidate) => candidate.name === name)
    if (metric === undefined) throw new Error(`no metric ${name}`)
    return readMetric(metric, this.map(metric.map), { nowNs: process.hrtime.bigint(), kernelEnum })
  }

  /** The values of a metric by one of its labels, added up over the others; 0 is left out. */
  async values(name: string, label: string): Promise<Record<string, number>> {
    const sums: Record<string, number> = {}
    for (const sample of await this.metric(name)) {
      const key = sample.labels[label] ?? ''
      if ('value' in sample && sample.value !== 0) sums[key] = (sums[key] ?? 0) + sample.value
    }
    return sums
  }

  [Symbol.dispose](): void {
    this.#links.dispose()
    this.#object[Symbol.dispose]()
  }
}

/** Loads a shipped object with the native back end. */
export async function loadProgram(name: ShippedProgram, options?: LoadOptions): Promise<LoadedProgram> {
  return new LoadedProgram(name, await openNativeBackend().load(await readProgram(name), options))
}
