import { X0tError } from '@x0t/core'
import type { LoadOptions } from './contract.ts'
import { encodeGlobals, globalsOf } from './globals.ts'
import { parseObject, type ObjectFile, type ProgramDefinition } from './object-file.ts'

/** What a load is to do, checked before the kernel sees any of it. */
export interface LoadPlan {
  readonly object: ObjectFile
  /** Programs to load. */
  readonly wanted: readonly ProgramDefinition[]
  /** First contents of the maps of globals, by name. */
  readonly contents: ReadonlyMap<string, Uint8Array>
}

/** @throws X0tError BPF_OBJECT_INVALID, BPF_UNSUPPORTED, BPF_VALUE_INVALID, BPF_MAP_MISMATCH, BPF_PROGRAM_NOT_FOUND */
export function planLoad(bytes: Uint8Array, options: LoadOptions): LoadPlan {
  const object = parseObject(bytes)
  const wanted = choosePrograms(object, options.programs)
  const contents = firstContents(object, options.globals ?? {})
  checkReplacements(object, options.maps ?? {})
  return { object, wanted, contents }
}

function choosePrograms(
  { programs }: ObjectFile,
  names: readonly string[] | undefined,
): readonly ProgramDefinition[] {
  if (names === undefined) return programs.filter(({ isOptional }) => !isOptional)
  const unknown = names.find((name) => !programs.some(({ spec }) => spec.name === name))
  if (unknown !== undefined) {
    throw new X0tError('BPF_PROGRAM_NOT_FOUND', `the object has no program ${unknown}`, {
      hint: `it has ${programs.map(({ spec }) => spec.name).join(', ') || 'none'}`,
    })
  }
  return programs.filter(({ spec }) => names.includes(spec.name))
}

/** What sections of globals hold at first, with the values that the caller sets. */
function firstContents(
  { maps, btf }: ObjectFile,
  values: NonNullable<LoadOptions['globals']>,
): ReadonlyMap<string, Uint8Array> {
  const sections = new Map<string, Uint8Array>()
  for (const { spec, contents } of maps) if (contents !== undefined) sections.set(spec.name, contents)
  const globals = btf === undefined ? new Map<never, never>() : globalsOf(btf)
  return new Map([...sections, ...encodeGlobals(globals, sections, values)])
}

function checkReplacements({ maps }: ObjectFile, replacements: NonNullable<LoadOptions['maps']>): void {
  for (const [name, { spec: given }] of Object.entries(replacements)) {
    const definition = maps.find(({ spec }) => spec.name === name)
    if (definition === undefined)
      throw new X0tError('BPF_MAP_MISMATCH', `the object has no map ${name} to replace`)
    const { spec } = definition
    const differs = (['type', 'keyBytes', 'valueBytes', 'maxEntries', 'flags'] as const).find(
      (field) => spec[field] !== given[field],
    )
    if (differs === undefined) continue
    throw new X0tError(
      'BPF_MAP_MISMATCH',
      `the map to use as ${name} has ${differs} ${given[differs]}; the object declares ${spec[differs]}`,
      { hint: 'unload what holds the old map, or load the object without it' },
    )
  }
}
