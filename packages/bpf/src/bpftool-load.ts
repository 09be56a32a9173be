import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasCode, X0tError } from '@x0t/core'
import { BpftoolMap, nativeHint } from './bpftool-map.ts'
import { BpftoolProgram } from './bpftool-program.ts'
import type { Bpftool } from './bpftool-run.ts'
import type { BpfMap, LoadedObject, LoadOptions, Refusal } from './contract.ts'
import { planLoad, type LoadPlan } from './load-plan.ts'
import type { MapDefinition } from './map-definition.ts'
import { objectFolder } from './pin-layout.ts'

/**
 * Loads an object with `bpftool prog loadall`, which loads all of it or nothing: one refused program refuses all.
 * @param folder in a BPF file system; what is loaded is pinned there, for bpftool keeps nothing open
 * @throws X0tError BPF_OBJECT_INVALID, BPF_VALUE_INVALID, BPF_MAP_MISMATCH, BPF_PROGRAM_NOT_FOUND, BPF_PIN_FAILED,
 *   BPF_UNSUPPORTED for what bpftool cannot
 */
export function loadWithBpftool(
  tool: Bpftool,
  folder: string,
  bytes: Uint8Array,
  options: LoadOptions,
): LoadedObject {
  const plan = planLoad(bytes, options)
  refuseUnsupported(plan, options)
  using stack = new DisposableStack()
  const file = writeObject(withGlobals(bytes, plan), stack)
  const pins = makeFolders(folder, stack)
  const replacements = Object.entries(options.maps ?? {}).flatMap(([name, { id }]) => {
    return ['map', 'name', name, 'id', String(id)]
  })
  const words = ['prog', 'loadall', file, pins.programs, ...replacements, 'pinmaps', pins.maps]
  const { failure, said } = tool.try('the object could not be loaded', words)
  if (failure !== undefined) return nothingLoaded(plan, failure, said)
  const maps = openMaps(tool, pins.maps, plan, options.maps ?? {})
  const programs = new Map<string, BpftoolProgram>()
  for (const { spec, kind } of plan.wanted) {
    const pin = join(pins.programs, spec.name)
    const entry = tool.json(`program ${spec.name} could not be opened`, ['prog', 'show', 'pinned', pin])
    const release = () => removePin(pin)
    programs.set(spec.name, new BpftoolProgram(tool, entry, { spec, attachType: kind.attachType, release }))
  }
  for (const name of readdirSync(pins.programs)) if (!programs.has(name)) removePin(join(pins.programs, name))
  const resources = stack.move()
  return { programs, maps, refusals: [], logs: new Map(), [Symbol.dispose]: () => resources.dispose() }
}

function refuseUnsupported({ wanted }: LoadPlan, { log }: LoadOptions): void {
  const optional = wanted.find(({ isOptional }) => isOptional)
  if (optional !== undefined)
    throw unsupported(`bpftool does not load the optional program ${optional.spec.name}`)
  if (log !== undefined) throw unsupported('bpftool gives no log of the verifier for a program that it loads')
}

/** The object file with its globals set: bpftool has no word for them. */
function withGlobals(bytes: Uint8Array, { object, contents }: LoadPlan): Uint8Array {
  const copy = bytes.slice()
  for (const { spec, section: index, contents: before } of object.maps) {
    const wanted = contents.get(spec.name)
    if (wanted === undefined || before === undefined || Buffer.compare(wanted, before) === 0) continue
    const section = object.elf.sections[index]!
    if (section.bytes.length !== wanted.length)
      throw unsupported(`${spec.name} takes no place in the object file, so bpftool cannot set its globals`)
    copy.set(wanted, section.bytes.byteOffset - bytes.byteOffset)
  }
  return copy
}

function writeObject(bytes: Uint8Array, stack: DisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), 'x0t-bpftool-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'x0t.o')
  writeFileSync(file, bytes, { mode: 0o600 })
  return file
}

function makeFolders(
  folder: string,
  stack: DisposableStack,
): { readonly programs: string; readonly maps: string } {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // Laid out as an object that is being loaded: if this process is killed, `list` shows it and `unload` removes it.
    const own = objectFolder(folder, `bpftool-${process.pid}-${randomBytes(3).toString('hex')}`, 'loading')
    mkdirSync(own, { mode: 0o700 })
    const pins = { programs: join(own, 'programs'), maps: join(own, 'maps') }
    stack.defer(() => removeFolder(folder))
    stack.defer(() => removeFolder(own))
    for (const path of [pins.maps, pins.programs]) {
      mkdirSync(path, { mode: 0o700 })
      stack.defer(() => removeFolder(path))
    }
    return pins
  } catch (error) {
    throw new X0tError('BPF_PIN_FAILED', `${folder} could not be made for the pins that bpftool needs`, {
      cause: error,
      hint: 'pins need a folder of a bpffs: mount -t bpf bpf /sys/fs/bpf',
    })
  }
}

function openMaps(
  tool: Bpftool,
  folder: string,
  { object }: LoadPlan,
  given: Readonly<Record<string, BpfMap>>,
): ReadonlyMap<string, BpfMap> {
  const maps = new Map<string, BpfMap>()
  for (const pin of readdirSync(folder)) {
    const path = join(folder, pin)
    const definition = object.maps.find((map) => isPinOf(pin, map))
    if (definition === undefined) continue
    const { name } = definition.spec
    const replacement = given[name]
    const entry = tool.json(`map ${name} could not be opened`, ['map', 'show', 'pinned', path])
    maps.set(name, replacement ?? new BpftoolMap(tool, entry, { name, release: () => removePin(path) }))
  }
  return maps
}

/** libbpf puts the name of the file before that of a section, and `_` for dots: `x0t_rodata` is `.rodata`. */
function isPinOf(pin: string, { spec: { name }, contents }: MapDefinition): boolean {
  return contents === undefined ? pin === name : pin.endsWith(name.replaceAll('.', '_'))
}

function nothingLoaded({ wanted }: LoadPlan, failure: X0tError, said: string): LoadedObject {
  const code =
    failure.code === 'BPF_NOT_PERMITTED' || failure.code === 'BPF_UNSUPPORTED'
      ? failure.code
      : 'BPF_PROGRAM_REFUSED'
  const refusals = wanted.map(({ spec: { name } }): Refusal => ({
    program: name,
    code,
    message: `${name}: bpftool loads all programs or none. ${failure.message}`,
    hint: failure.hint,
    log: said,
  }))
  return {
    programs: new Map(),
    maps: new Map(),
    refusals,
    logs: new Map(),
    [Symbol.dispose]: () => undefined,
  }
}

function removeFolder(path: string): void {
  try {
    for (const name of readdirSync(path, { withFileTypes: true }))
      if (name.isFile()) unlinkSync(join(path, name.name))
    rmdirSync(path)
  } catch (error) {
    // Others may have their own folder in it.
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTEMPTY')) throw error
  }
}

function removePin(path: string): void {
  rmSync(path, { force: true })
}

function unsupported(message: string): X0tError {
  return new X0tError('BPF_UNSUPPORTED', message, { hint: nativeHint })
}
