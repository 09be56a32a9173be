import { X0tError } from '@x0t/core'
import { parseBtf, type Btf } from './btf.ts'
import { parseBtfExt, type BtfExt } from './btf-ext.ts'
import { completeBtf } from './complete-btf.ts'
import type { ProgramSpec } from './contract.ts'
import { parseElf, sectionFlag, symbolType, binding, type Elf, type ElfSection } from './elf.ts'
import { readMaps, type MapDefinition } from './map-definition.ts'
import { invalid } from './object-invalid.ts'
import { programKindOf, type ProgramKind } from './program-kind.ts'

/** A function: of a program, or one that programs call. */
export interface FunctionDefinition {
  readonly name: string
  readonly section: number
  /** Bytes within the section. */
  readonly offset: number
  readonly bytes: number
  /** Not seen outside of its file: never a program by itself. */
  readonly isLocal: boolean
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
const maxPrograms = 256

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

function readFunctions(elf: Elf): readonly FunctionDefinition[] {
  const functions: FunctionDefinition[] = []
  for (const { name, section: index, type, value, size, binding: bound } of elf.symbols) {
    if (type !== symbolType.FUNC) continue
    const section = elf.sections[index]
    if (section === undefined || (section.flags & sectionFlag.EXECINSTR) === 0) continue
    const isWhole = size > 0 && value % instructionBytes === 0 && size % instructionBytes === 0
    if (!isWhole || value + size > section.bytes.length) {
      throw invalid(`has a function ${name} that is not within its section ${section.name}`)
    }
    functions.push({ name, section: index, offset: value, bytes: size, isLocal: bound === binding.LOCAL })
  }
  return functions
}

function readPrograms(elf: Elf, functions: readonly FunctionDefinition[]): readonly ProgramDefinition[] {
  const programs: ProgramDefinition[] = []
  const names = new Set<string>()
  for (const entry of functions) {
    const section = elf.sections[entry.section]!
    // Functions that programs call lie in .text, or are local to the section of their program.
    if (section.name === '.text' || entry.isLocal) continue
    const kind = programKindOf(section.name)
    if (kind === undefined) {
      throw new X0tError(
        'BPF_OBJECT_INVALID',
        `program ${entry.name} is in section ${section.name}, of no known type`,
      )
    }
    if (names.has(entry.name)) throw invalid(`has two programs ${entry.name}`)
    names.add(entry.name)
    if (names.size > maxPrograms) throw invalid(`has more than ${maxPrograms} programs`)
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
