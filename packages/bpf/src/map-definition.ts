import { X0tError } from '@x0t/core'
import { btfBytesOf, type Btf } from './btf.ts'
import type { MapSpec } from './contract.ts'
import { sectionFlag, sectionType, type Elf, type ElfSection } from './elf.ts'
import { invalid } from './object-invalid.ts'
import { resolve } from './resolve-type.ts'
import { mapFlag, mapTypes } from './uapi.ts'

/** A map that the object declares, or a section of its globals. */
export interface MapDefinition {
  readonly spec: MapSpec
  /** BTF ids; 0: none. */
  readonly keyType: number
  readonly valueType: number
  /** Section that instructions refer to, and where in it. */
  readonly section: number
  readonly offset: number
  /** First contents of a section of globals. */
  readonly contents: Uint8Array | undefined
}

/** The kernel lets a program use 64 maps. */
const maxMaps = 1024
const maxGlobalBytes = 64 * 1024 * 1024

/** All maps of an object. @throws X0tError BPF_OBJECT_INVALID, BPF_UNSUPPORTED */
export function readMaps(elf: Elf, btf: Btf | undefined): readonly MapDefinition[] {
  const maps: MapDefinition[] = []
  const sectionTypes = new Map(
    btf?.types.map((type, id) => [type.kind === 'data-section' ? type.name : '', id]),
  )
  let globalBytes = 0
  for (const section of elf.sections) {
    if (section.name === 'maps') throw invalid('declares maps the old way, in section maps; use .maps')
    if (section.name === '.maps') {
      if (btf === undefined) throw invalid('declares maps without BTF; build it with -g')
      maps.push(...readDeclaredMaps(elf, btf, section))
      continue
    }
    if (!isGlobals(section)) continue
    if (elf.relocations.has(section.index)) {
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `${section.name} of the object file has pointers to functions or maps`,
      )
    }
    globalBytes += section.size
    if (globalBytes > maxGlobalBytes) throw invalid(`has more than ${maxGlobalBytes} bytes of globals`)
    const contents = new Uint8Array(section.size)
    contents.set(section.bytes)
    maps.push({
      spec: {
        name: section.name,
        type: 'array',
        keyBytes: 4,
        valueBytes: section.size,
        maxEntries: 1,
        flags: mapFlag.MMAPABLE | (section.name.startsWith('.rodata') ? mapFlag.RDONLY_PROG : 0),
      },
      keyType: 0,
      valueType: sectionTypes.get(section.name) ?? 0,
      section: section.index,
      offset: 0,
      contents,
    })
  }
  if (maps.length > maxMaps) throw invalid(`has more than ${maxMaps} maps`)
  return maps
}

function isGlobals({ name, type, flags, size }: ElfSection): boolean {
  const isData = type === sectionType.PROGBITS || type === sectionType.NOBITS
  return isData && (flags & sectionFlag.ALLOC) !== 0 && size > 0 && /^\.(rodata|data|bss)(\.|$)/.test(name)
}

/** Maps by BTF: a struct whose members are pointers to arrays of so many entries, or to the type that is meant. */
function readDeclaredMaps(elf: Elf, btf: Btf, section: ElfSection): readonly MapDefinition[] {
  const declared = btf.types.find((type) => type.kind === 'data-section' && type.name === '.maps')
  if (declared?.kind !== 'data-section') throw invalid('has a section .maps without its BTF')
  if (elf.relocations.has(section.index)) {
    throw new X0tError(
      'BPF_UNSUPPORTED',
      'the object file fills maps with maps or programs as it declares them',
    )
  }
  if (declared.variables.length > maxMaps) throw invalid(`has more than ${maxMaps} maps`)
  return declared.variables.map(({ type: id, offset }) => {
    const variable = btf.types[id]!
    if (variable.kind !== 'variable') throw invalid('has something in .maps that is no variable')
    return readDeclaredMap(btf, variable.name, variable.type, { section: section.index, offset })
  })
}

function readDeclaredMap(
  btf: Btf,
  name: string,
  typeId: number,
  place: { readonly section: number; readonly offset: number },
): MapDefinition {
  const type = resolve(btf, typeId)
  if (type.kind !== 'struct') throw invalid(`declares map ${name} as a ${type.kind}`)
  const fields = new Map(type.members.map((member) => [member.name, member.type]))
  const pointee = (field: string): number | undefined => {
    const id = fields.get(field)
    if (id === undefined) return undefined
    const pointer = resolve(btf, id)
    if (pointer.kind !== 'pointer') throw invalid(`declares ${field} of map ${name} as a ${pointer.kind}`)
    return pointer.type
  }
  const number = (field: string): number | undefined => {
    const id = pointee(field)
    if (id === undefined) return undefined
    const array = resolve(btf, id)
    if (array.kind !== 'array') throw invalid(`declares ${field} of map ${name} as a ${array.kind}`)
    return array.count
  }
  if (fields.has('values')) {
    throw new X0tError(
      'BPF_UNSUPPORTED',
      `map ${name} is one of maps or has first values, which this loader does not`,
    )
  }
  const keyType = pointee('key') ?? 0
  const valueType = pointee('value') ?? 0
  const mapType = mapTypes[number('type') ?? 0]
  if (mapType === undefined || mapType === 'unspec') throw invalid(`declares map ${name} of an unknown type`)
  return {
    spec: {
      name,
      type: mapType,
      keyBytes: number('key_size') ?? btfBytesOf(btf, keyType),
      valueBytes: number('value_size') ?? btfBytesOf(btf, valueType),
      maxEntries: number('max_entries') ?? 0,
      flags: number('map_flags') ?? 0,
    },
    keyType,
    valueType,
    ...place,
    contents: undefined,
  }
}
