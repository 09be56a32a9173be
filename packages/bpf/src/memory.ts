import { createHash } from 'node:crypto'
import type { BpfBackend, LoadedObject, LoadOptions, MapTypes } from './contract.ts'
import { planLoad, type LoadPlan } from './load-plan.ts'
import type { MapDefinition } from './map-definition.ts'
import { MemoryMap, MemoryMapState } from './memory-map.ts'
import { MemoryLink, MemoryProgram, targetText } from './memory-program.ts'
import {
  MemoryThings,
  type LinkThing,
  type MapThing,
  type MemoryHandle,
  type ProgramThing,
} from './memory-things.ts'
import { possibleCpus } from './per-cpu.ts'
import type { ObjectFile, ProgramDefinition } from './object-file.ts'
import { mapFlag } from './uapi.ts'

export interface MemoryBackendOptions {
  /** CPUs that per-CPU maps have values for; those of this machine where absent. */
  readonly cpus?: number
  /** Wall clock, ms. */
  readonly now?: () => number
}

/** A back end without a kernel. */
export interface MemoryBackend extends BpfBackend, Disposable {
  readonly name: 'memory'
  /** Gives an event to those who listen to a ring buffer, as a program would. */
  emit(mapId: number, event: Uint8Array): void
}

let opened = 0

/**
 * A back end for tests without root: it reads objects as the native one does and its maps behave as the kernel's,
 * links and pins too; but programs do not run. Pins are ordinary files, in any folder. Nothing is verified.
 */
export function openMemoryBackend({
  cpus = possibleCpus(),
  now = Date.now,
}: MemoryBackendOptions = {}): MemoryBackend {
  const things = new MemoryThings(`x0t-memory-${process.pid}-${++opened}`)
  return {
    name: 'memory',
    load: async (object, options = {}) => load(things, planLoad(object, options), options, { cpus, now }),
    openMap: async (ref) => new MemoryMap(things.open('map', ref)),
    openProgram: async (ref) => new MemoryProgram(things.open('program', ref), things),
    openLink: async (ref) => new MemoryLink(things.open('link', ref), things),
    listPrograms: async () =>
      things.list('program').map((program) => ({
        id: program.id,
        name: program.spec.name.slice(0, kernelNameBytes),
        type: program.type.type,
        tag: program.tag,
        mapIds: program.mapIds,
        loadedAtMs: program.loadedAtMs,
        instructionBytes: program.instructionBytes,
        jitedBytes: 0,
        verifiedInstructions: 0,
        runCount: 0,
        runTimeNs: 0,
        pins: things.pinsOf(program),
      })),
    listMaps: async () =>
      things.list('map').map((map) => ({
        ...map.state.spec,
        name: map.state.spec.name.slice(0, kernelNameBytes),
        id: map.id,
        pins: things.pinsOf(map),
      })),
    listLinks: async () => things.list('link').map((link) => linkInfo(things, link)),
    enableStatistics: () => ({ [Symbol.dispose]: () => undefined }),
    emit(mapId, event) {
      using handle = things.open('map', { id: mapId })
      for (const listener of handle.thing.state.listeners) listener(event)
    },
    [Symbol.dispose]: () => things[Symbol.dispose](),
  }
}

/** What the kernel keeps of a name. */
const kernelNameBytes = 15

function linkInfo(things: MemoryThings, link: LinkThing) {
  const program = things.list('program').find(({ id }) => id === link.programId)
  return {
    id: link.id,
    programId: link.programId,
    type: link.type,
    target: link.isDetached || program === undefined ? '' : targetText(link.target, program),
    pins: things.pinsOf(link),
  }
}

function load(
  things: MemoryThings,
  { object, wanted, contents }: LoadPlan,
  options: LoadOptions,
  { cpus, now }: Required<MemoryBackendOptions>,
): LoadedObject {
  using stack = new DisposableStack()
  const maps = new Map<string, MemoryMap>()
  for (const definition of object.maps) {
    const { name } = definition.spec
    const given = options.maps?.[name]
    const handle =
      given === undefined
        ? createMap(things, definition, { object, first: contents.get(name), cpus })
        : things.open('map', { id: given.id })
    maps.set(name, stack.use(new MemoryMap(handle)))
  }
  const programs = new Map<string, MemoryProgram>()
  for (const definition of wanted) {
    const { spec, kind, entry } = definition
    const bytes = object.elf.sections[entry.section]!.bytes.subarray(entry.offset, entry.offset + entry.bytes)
    const handle = things.add<ProgramThing>({
      kind: 'program',
      spec,
      type: kind,
      tag: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
      instructionBytes: entry.bytes,
      mapIds: mapsOf(object, definition).map(({ spec: { name } }) => maps.get(name)!.id),
      loadedAtMs: now(),
    })
    programs.set(spec.name, stack.use(new MemoryProgram(handle, things)))
  }
  const resources = stack.move()
  return {
    programs,
    maps,
    refusals: [],
    logs: new Map(),
    [Symbol.dispose]: () => resources.dispose(),
  }
}

function createMap(
  things: MemoryThings,
  { spec, keyType, valueType }: MapDefinition,
  {
    object,
    first,
    cpus,
  }: { readonly object: ObjectFile; readonly first: Uint8Array | undefined; readonly cpus: number },
): MemoryHandle<MapThing> {
  const { btf } = object
  const types: MapTypes | undefined = btf === undefined ? undefined : { types: btf, keyType, valueType }
  const state = new MemoryMapState(spec, types, cpus)
  if (first !== undefined) {
    state.store.set(new Uint8Array(4), first)
    state.isFrozen = (spec.flags & mapFlag.RDONLY_PROG) !== 0
  }
  return things.add<MapThing>({ kind: 'map', state })
}

/** Maps that a program, or a function that all programs may call, refers to. */
function mapsOf({ elf, maps, programs }: ObjectFile, { entry }: ProgramDefinition): readonly MapDefinition[] {
  const ofPrograms = new Set(programs.map((program) => program.entry.section))
  const relocations = [...elf.relocations].flatMap(([section, list]) => {
    if (section === entry.section)
      return list.filter(({ offset }) => offset >= entry.offset && offset < entry.offset + entry.bytes)
    return elf.sections[section]?.name === '.text' && !ofPrograms.has(section) ? list : []
  })
  return maps.filter(({ section, offset, contents }) =>
    relocations.some(
      ({ symbol }) => symbol.section === section && (contents !== undefined || symbol.value === offset),
    ),
  )
}
