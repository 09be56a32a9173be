import { X0tError } from '@x0t/core'
import { Attributes } from './attributes.ts'
import { failure } from './bpf-failure.ts'
import type { BpfMap, LoadedObject, LoadOptions, MapSpec, Refusal } from './contract.ts'
import { Descriptor } from './descriptor.ts'
import { planLoad } from './load-plan.ts'
import { loadProgram } from './load-program.ts'
import { createMap } from './create-map.ts'
import type { NativeMap } from './native-map.ts'
import type { NativeProgram } from './native-program.ts'
import type { MapDefinition } from './map-definition.ts'
import type { ObjectFile } from './object-file.ts'
import { errno, mapFlag } from './uapi.ts'

/** The kernel says in its last line what is wrong. */
const btfLogBytes = 1024 * 1024

/**
 * Loads an object: its maps, then each program by itself.
 * @throws X0tError BPF_OBJECT_INVALID, BPF_VALUE_INVALID, BPF_MAP_MISMATCH, BPF_PROGRAM_NOT_FOUND, BPF_NOT_PERMITTED,
 * BPF_UNSUPPORTED, BPF_CALL_FAILED
 */
export function loadObject(bytes: Uint8Array, options: LoadOptions = {}): LoadedObject {
  const { object, wanted, contents } = planLoad(bytes, options)
  using stack = new DisposableStack()
  using btf = object.btfBytes === undefined ? undefined : loadBtf(object.btfBytes)
  const maps = new MapSet(object, contents, options.maps ?? {}, btf?.fd ?? -1, stack)
  const programs = new Map<string, NativeProgram>()
  const refusals: Refusal[] = []
  const logs = new Map<string, string>()
  for (const definition of wanted) {
    const { name } = definition.spec
    try {
      const result = loadProgram(definition, {
        object,
        btfFd: btf?.fd ?? -1,
        mapFd: (index) => maps.fdOf(index),
        log: options.log,
      })
      if ('refusal' in result) refusals.push(result.refusal)
      else {
        programs.set(name, stack.use(result.program))
        if (result.log !== undefined) logs.set(name, result.log)
      }
    } catch (error) {
      if (!(error instanceof X0tError) || !isOfOneProgram(error.code)) throw error
      const code = error.code === 'BPF_CALL_FAILED' ? 'BPF_PROGRAM_REFUSED' : error.code
      refusals.push({ program: name, code, message: `${name}: ${error.message}`, hint: error.hint, log: '' })
    }
  }
  maps.throwUnreported()
  const resources = stack.move()
  return {
    programs,
    maps: maps.byName,
    refusals,
    logs,
    [Symbol.dispose]: () => resources.dispose(),
  }
}

/** Failures of a map or a relocation that sink the programs which need them, not the object. */
function isOfOneProgram(code: string): code is Refusal['code'] | 'BPF_CALL_FAILED' {
  return code === 'BPF_UNSUPPORTED' || code === 'BPF_NOT_PERMITTED' || code === 'BPF_CALL_FAILED'
}

function loadBtf(bytes: Uint8Array): Descriptor {
  const attributes = (): Attributes => new Attributes(28).pointer(0, bytes).u32(16, bytes.length)
  const fd = attributes().call('BTF_LOAD')
  if (fd >= 0) return new Descriptor(fd, 'BTF')
  const what = "the object's BTF could not be loaded"
  if (fd !== -errno.EINVAL) throw failure(what, fd)
  const log = new Uint8Array(btfLogBytes)
  const again = attributes().pointer(8, log).u32(20, log.length).u32(24, 1).call('BTF_LOAD')
  if (again >= 0) return new Descriptor(again, 'BTF')
  const said = new TextDecoder('latin1').decode(log).split('\0', 1)[0]!.trim().split('\n').at(-1)!
  throw failure(`${what} (${said})`, fd, { code: 'BPF_UNSUPPORTED' })
}

/** The maps of an object. One that cannot be made is reported when a program asks for it. */
class MapSet {
  readonly byName = new Map<string, BpfMap>()
  readonly #fds: (number | X0tError)[] = []
  readonly #unreported = new Set<X0tError>()

  constructor(
    { maps }: ObjectFile,
    contents: ReadonlyMap<string, Uint8Array>,
    replacements: NonNullable<LoadOptions['maps']>,
    btf: number,
    stack: DisposableStack,
  ) {
    for (const definition of maps) {
      const { name } = definition.spec
      const replacement = replacements[name]
      if (replacement !== undefined) {
        if (replacement.fd < 0) throw new TypeError(`the map to use as ${name} is not of the native back end`)
        this.byName.set(name, replacement)
        this.#fds.push(replacement.fd)
        continue
      }
      try {
        const map = stack.use(makeMap(definition, contents.get(name), btf))
        this.byName.set(name, map)
        this.#fds.push(map.fd)
      } catch (error) {
        if (!(error instanceof X0tError)) throw error
        this.#fds.push(error)
        this.#unreported.add(error)
      }
    }
  }

  /** @throws X0tError if the map could not be made */
  fdOf(index: number): number {
    const fd = this.#fds[index]
    if (typeof fd === 'number') return fd
    if (fd === undefined) throw new RangeError(`no map ${index}`)
    this.#unreported.delete(fd)
    throw fd
  }

  /** A map that failed and that no program uses has no refusal to show it. */
  throwUnreported(): void {
    for (const error of this.#unreported) throw error
  }
}

function makeMap(
  { spec, keyType, valueType }: MapDefinition,
  contents: Uint8Array | undefined,
  btf: number,
): NativeMap {
  using stack = new DisposableStack()
  const map = stack.use(createMap(spec, { btf, key: keyType, value: valueType }))
  if (contents !== undefined) {
    map.set(new Uint8Array(4), contents)
    if (isReadOnly(spec)) map.freeze()
  }
  stack.move()
  return map
}

function isReadOnly({ flags }: MapSpec): boolean {
  return (flags & mapFlag.RDONLY_PROG) !== 0
}
