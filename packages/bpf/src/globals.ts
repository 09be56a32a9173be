import { X0tError, hasCode } from '@x0t/core'
import type { BtfType, BtfTypes } from './btf-type.ts'
import { createCodec, type Codec, type CodecOptions } from './codec.ts'
import { resolve } from './resolve-type.ts'

/** A global variable of a program. */
export interface Global {
  readonly name: string
  /** `.rodata`, `.data`, `.bss` or one of these with a suffix; also the name of its map, less the object's prefix. */
  readonly section: string
  /** In the section, bytes. */
  readonly offset: number
  readonly codec: Codec
}

type Section = Extract<BtfType, { kind: 'data-section' }>

/** Sections that hold declarations, not values. */
const declarations = new Set(['.maps', 'license', 'version', '.ksyms', '.kconfig'])

/**
 * The globals of an object, by name. Offsets are those in the BTF, which a compiler leaves at zero and a loader fills
 * in from the symbols of the ELF file. Variables whose type has no values are left out.
 */
export function globalsOf(types: BtfTypes, options?: CodecOptions): ReadonlyMap<string, Global> {
  return new Map(sectionsOf(types).flatMap((section) => [...globalsIn(types, section, options)]))
}

/** The globals of the map whose value is this section: the value type that the kernel gives for it. */
export function globalsOfSection(
  types: BtfTypes,
  id: number,
  options?: CodecOptions,
): ReadonlyMap<string, Global> {
  const section = types.type(id)
  return section.kind === 'data-section' ? globalsIn(types, section, options) : new Map()
}

/**
 * Writes values into the initial contents of the sections.
 * @returns the sections that changed, as new bytes
 * @throws X0tError BPF_VALUE_INVALID for a name that is no global, or a value that does not fit
 */
export function encodeGlobals(
  globals: ReadonlyMap<string, Global>,
  sections: ReadonlyMap<string, Uint8Array>,
  values: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  const changed = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const [name, value] of Object.entries(values)) {
    const global = globals.get(name)
    const bytes = global && (changed.get(global.section) ?? sections.get(global.section))
    if (global === undefined || bytes === undefined)
      throw new X0tError('BPF_VALUE_INVALID', `the object has no global ${name}`, {
        hint: globals.size === 0 ? 'it has no globals at all' : `it has ${[...globals.keys()].join(', ')}`,
      })
    const { offset, codec, section } = global
    const end = offset + codec.bytes
    if (end > bytes.length)
      throw new X0tError('BPF_TYPE_UNSUPPORTED', `the global ${name} lies outside of its section ${section}`)
    const copy = changed.get(section) ?? Uint8Array.from(bytes)
    copy.set(codec.encode(value, copy.subarray(offset, end)), offset)
    changed.set(section, copy)
  }
  return changed
}

/** Types of the key and the value of a map declared in `.maps` with `__type(key, …)` and `__type(value, …)`; 0 for none. */
export function declaredMapTypes(
  types: BtfTypes,
  map: string,
): { readonly key: number; readonly value: number } {
  for (const section of sectionsOf(types, (name) => name === '.maps')) {
    for (const { type: id } of section.variables) {
      const variable = types.type(id)
      if (variable.kind !== 'variable' || variable.name !== map) continue
      const definition = resolve(types, variable.type)
      if (definition.kind !== 'struct') continue
      const target = (field: string): number => {
        const member = definition.members.find(({ name }) => name === field)
        const pointer = member === undefined ? undefined : resolve(types, member.type)
        return pointer?.kind === 'pointer' ? pointer.type : 0
      }
      return { key: target('key'), value: target('value') }
    }
  }
  return { key: 0, value: 0 }
}

function sectionsOf(types: BtfTypes, wanted = (name: string) => !declarations.has(name)): readonly Section[] {
  return Array.from({ length: types.count }, (_, id) => types.type(id)).filter(
    (type): type is Section => type.kind === 'data-section' && wanted(type.name),
  )
}

function globalsIn(types: BtfTypes, section: Section, options?: CodecOptions): ReadonlyMap<string, Global> {
  const globals = new Map<string, Global>()
  for (const { type: id, offset } of section.variables) {
    const variable = types.type(id)
    if (variable.kind !== 'variable') continue
    const { name } = variable
    try {
      globals.set(name, {
        name,
        section: section.name,
        offset,
        codec: createCodec(types, id, { ...options, name }),
      })
    } catch (error) {
      if (!hasCode(error, 'BPF_TYPE_UNSUPPORTED')) throw error
    }
  }
  return globals
}
