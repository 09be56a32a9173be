import { X0tError } from '@x0t/core'
import { btfBytesOf, parseBtf, readBtfType, scanBtf, type Btf } from './btf.ts'
import { parseBtfExt, type BtfExt } from './btf-ext.ts'
import type { MapSpec, ProgramSpec } from './contract.ts'
import { parseElf, sectionFlag, sectionType, symbolType, binding, type Elf, type ElfSection } from './elf.ts'
import { resolve } from './resolve-type.ts'
import { programKindOf, type ProgramKind } from './program-kind.ts'
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

/** A function: of a program, or one that programs call. */
export interface FunctionDefinition {
  readonly name: string
  readonly section: number
  /** Bytes within the section. */
  readonly offset: number
  readonly bytes: number
}

export interface ProgramDefinition {
  readonly spec: ProgramSpec
  readonly kind: ProgramKind
  readonly entry: FunctionDefinition
  /** Section `?…`: to be loaded only if it is asked for by name. */
  readonly isOptional: boolean
}

/** All that an object file says, before the kernel sees any of it. */
export interface ObjectFile {
  readonly elf: Elf
  readonly license: string
  readonly btf: Btf | undefined
  /** As to be given to the kernel: sections have their sizes. */
  readonly btfBytes: Uint8Array | undefined
  readonly btfExt: BtfExt | undefined
  readonly maps: readonly MapDefinition[]
  readonly functions: readonly FunctionDefinition[]
  readonly programs: readonly ProgramDefinition[]
}

const instructionBytes = 8
const maxSectionValueBytes = 16 * 1024 * 1024

/**
 * Reads an object file made by clang.
 * @throws X0tError BPF_OBJECT_INVALID, BPF_UNSUPPORTED
 */
export function parseObject(bytes: Uint8Array): ObjectFile {
  const elf = parseElf(bytes)
  const find = (name: string): ElfSection | undefined => elf.sections.find((section) => section.name === name)
  const raw = find('.BTF')?.bytes
  const btfBytes = raw === undefined ? undefined : completeBtf(elf, raw)
  const btf = btfBytes === undefined ? undefined : parseBtf(btfBytes)
  const extBytes = find('.BTF.ext')?.bytes
  const functions = readFunctions(elf)
  const license = find('license')?.bytes ?? new Uint8Array(0)
  return {
    elf,
    license: new TextDecoder('latin1').decode(license).split('\0', 1)[0]!,
    btf,
    btfBytes,
    btfExt: extBytes === undefined || btf === undefined ? undefined : parseBtfExt(extBytes, btf),
    maps: readMaps(elf, btf),
    functions,
    programs: readPrograms(elf, functions),
  }
}

function invalid(found: string): X0tError {
  return new X0tError('BPF_OBJECT_INVALID', `the object file ${found}`)
}

/**
 * clang leaves sizes of sections and places of variables to the linker; the kernel wants both. It also takes a global
 * function for one to be verified by itself: hidden ones are not meant so.
 * @returns BTF with them
 */
function completeBtf(elf: Elf, raw: Uint8Array): Uint8Array {
  const bytes = raw.slice()
  const view = new DataView(bytes.buffer)
  const btfSection = elf.sections.find(({ name }) => name === '.BTF')!
  const relocations = elf.relocations.get(btfSection.index) ?? []
  const symbolAt = new Map(relocations.map(({ offset, symbol }) => [offset, symbol]))
  const hidden = new Set(
    elf.symbols
      .filter(({ type, visibility }) => type === symbolType.FUNC && visibility !== 0)
      .map(({ name }) => name),
  )
  const scan = scanBtf(raw)
  for (const place of scan.places()) {
    const { at, kind } = place
    const type = kind === 'data-section' || kind === 'function' ? readBtfType(scan, place) : undefined
    if (type?.kind === 'function' && hidden.has(type.name)) view.setUint16(at + 4, 0, true)
    if (type?.kind !== 'data-section') continue
    const section = elf.sections.find(({ name }) => name === type.name)
    if (section === undefined) {
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `the object file uses externals of ${type.name}, which this loader does not`,
      )
    }
    view.setUint32(at + 8, section.size, true)
    const variables = type.variables.map((variable, i) => {
      const symbol = symbolAt.get(at + 16 + i * 12)
      return { ...variable, offset: variable.offset + (symbol?.value ?? 0) }
    })
    variables.sort((a, b) => a.offset - b.offset)
    for (const [i, variable] of variables.entries()) {
      view.setUint32(at + 12 + i * 12, variable.type, true)
      view.setUint32(at + 16 + i * 12, variable.offset, true)
      view.setUint32(at + 20 + i * 12, variable.bytes, true)
    }
  }
  return bytes
}

function readFunctions(elf: Elf): readonly FunctionDefinition[] {
  const functions: FunctionDefinition[] = []
  for (const { name, section: index, type, value, size } of elf.symbols) {
    if (type !== symbolType.FUNC) continue
    const section = elf.sections[index]
    if (section === undefined || (section.flags & sectionFlag.EXECINSTR) === 0) continue
    const isWhole = size > 0 && value % instructionBytes === 0 && size % instructionBytes === 0
    if (!isWhole || value + size > section.bytes.length) {
      throw invalid(`has a function ${name} that is not within its section ${section.name}`)
    }
    functions.push({ name, section: index, offset: value, bytes: size })
  }
  return functions
}

function readPrograms(elf: Elf, functions: readonly FunctionDefinition[]): readonly ProgramDefinition[] {
  const programs: ProgramDefinition[] = []
  for (const entry of functions) {
    const section = elf.sections[entry.section]!
    const symbol = elf.symbols.find(
      (symbol) =>
        symbol.type === symbolType.FUNC && symbol.section === entry.section && symbol.value === entry.offset,
    )
    // Functions that programs call lie in .text, or are local to the section of their program.
    if (section.name === '.text' || symbol?.binding === binding.LOCAL) continue
    const kind = programKindOf(section.name)
    if (kind === undefined) {
      throw new X0tError(
        'BPF_OBJECT_INVALID',
        `program ${entry.name} is in section ${section.name}, of no known type`,
      )
    }
    if (programs.some(({ spec }) => spec.name === entry.name)) throw invalid(`has two programs ${entry.name}`)
    const isOptional = section.name.startsWith('?')
    programs.push({
      spec: {
        name: entry.name,
        section: isOptional ? section.name.slice(1) : section.name,
        instructions: entry.bytes / instructionBytes,
      },
      kind,
      entry,
      isOptional,
    })
  }
  return programs
}

function readMaps(elf: Elf, btf: Btf | undefined): readonly MapDefinition[] {
  const maps: MapDefinition[] = []
  for (const section of elf.sections) {
    if (section.name === 'maps') throw invalid('declares maps the old way, in section maps; use .maps')
    if (section.name === '.maps') {
      if (btf === undefined) throw invalid('declares maps without BTF; build it with -g')
      maps.push(...readDeclaredMaps(elf, btf, section))
      continue
    }
    if (!isGlobals(section)) continue
    if (section.size > maxSectionValueBytes) throw invalid(`has ${section.size} bytes of ${section.name}`)
    if (elf.relocations.has(section.index)) {
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `${section.name} of the object file has pointers to functions or maps`,
      )
    }
    const contents = new Uint8Array(section.size)
    contents.set(section.bytes)
    const valueType =
      btf?.types.findIndex((type) => type.kind === 'data-section' && type.name === section.name) ?? -1
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
      valueType: Math.max(0, valueType),
      section: section.index,
      offset: 0,
      contents,
    })
  }
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
