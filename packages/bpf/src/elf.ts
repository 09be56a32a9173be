import { ByteReader } from './byte-reader.ts'

export interface ElfSection {
  readonly index: number
  readonly name: string
  readonly type: number
  readonly flags: number
  /** Empty if it takes no place in the file (.bss). */
  readonly bytes: Uint8Array
  readonly size: number
}

export interface ElfSymbol {
  readonly name: string
  /** Offset within its section. */
  readonly value: number
  readonly size: number
  readonly type: number
  readonly binding: number
  readonly visibility: number
  /** Index of its section; 0 if it is external. */
  readonly section: number
}

export interface ElfRelocation {
  /** Where, in bytes from the start of the section. */
  readonly offset: number
  readonly type: number
  readonly symbol: ElfSymbol
}

/** A relocatable file of BPF (ELF-64 Object File Format, version 1.5 draft 2). */
export interface Elf {
  readonly sections: readonly ElfSection[]
  readonly symbols: readonly ElfSymbol[]
  /** By index of the section that they change. */
  readonly relocations: ReadonlyMap<number, readonly ElfRelocation[]>
}

export const sectionType = { PROGBITS: 1, SYMTAB: 2, RELA: 4, NOBITS: 8, REL: 9 } as const
export const sectionFlag = { WRITE: 1, ALLOC: 2, EXECINSTR: 4 } as const
export const symbolType = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3 } as const
export const binding = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const

const ET_REL = 1
const EM_BPF = 247
const headerBytes = 64
const sectionHeaderBytes = 64
const symbolBytes = 24
const relocationBytes = 16

/** Larger files and tables are no programs of anybody. */
const maxFileBytes = 16 * 1024 * 1024
const maxSections = 4096
const maxSymbols = 65_536
const maxRelocations = 262_144

/** @throws X0tError BPF_OBJECT_INVALID */
export function parseElf(bytes: Uint8Array): Elf {
  const reader = new ByteReader(bytes, 'the object file')
  if (bytes.length > maxFileBytes) throw reader.invalid(`has ${bytes.length} bytes; at most ${maxFileBytes}`)
  const isElf = bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
  if (!isElf || bytes.length < headerBytes) throw reader.invalid('is no ELF file')
  const isLittle64 = reader.u8(4) === 2 && reader.u8(5) === 1
  if (!isLittle64 || reader.u16(16) !== ET_REL || reader.u16(18) !== EM_BPF) {
    throw reader.invalid('is no 64-bit little-endian relocatable file of BPF')
  }
  const sections = readSections(reader)
  const symbols = readSymbols(reader, sections)
  return { sections, symbols, relocations: readRelocations(reader, sections, symbols) }
}

interface RawSection extends ElfSection {
  readonly link: number
  readonly info: number
}

function readSections(reader: ByteReader): readonly RawSection[] {
  const table = reader.size(40)
  const count = reader.u16(60)
  const names = reader.u16(62)
  if (reader.u16(58) !== sectionHeaderBytes) throw reader.invalid('has section headers of a strange size')
  if (count === 0 || count > maxSections) throw reader.invalid(`has ${count} sections`)
  if (names >= count) throw reader.invalid('has no table of section names')
  const nameTable = reader.size(table + names * sectionHeaderBytes + 24)
  const sections: RawSection[] = []
  for (let index = 0; index < count; index++) {
    const at = table + index * sectionHeaderBytes
    const type = reader.u32(at + 4)
    const size = reader.size(at + 32)
    if (type === sectionType.NOBITS && size > maxFileBytes) {
      throw reader.invalid(`has a section of ${size} bytes`)
    }
    const isInFile = type !== sectionType.NOBITS && index !== 0
    sections.push({
      index,
      name: reader.text(nameTable + reader.u32(at)),
      type,
      flags: reader.size(at + 8),
      bytes: isInFile ? reader.slice(reader.size(at + 24), size) : new Uint8Array(0),
      size,
      link: reader.u32(at + 40),
      info: reader.u32(at + 44),
    })
  }
  return sections
}

function readSymbols(file: ByteReader, sections: readonly RawSection[]): readonly ElfSymbol[] {
  const table = sections.find(({ type }) => type === sectionType.SYMTAB)
  if (table === undefined) throw file.invalid('has no symbol table')
  const nameSection = sections[table.link]
  if (nameSection === undefined) throw file.invalid('has no table of symbol names')
  const names = new ByteReader(nameSection.bytes, 'the table of symbol names')
  const reader = new ByteReader(table.bytes, 'the symbol table')
  const count = Math.floor(table.bytes.length / symbolBytes)
  if (count > maxSymbols) throw file.invalid(`has ${count} symbols`)
  const symbols: ElfSymbol[] = []
  for (let i = 0; i < count; i++) {
    const at = i * symbolBytes
    const kind = reader.u8(at + 4)
    const section = reader.u16(at + 6)
    const type = kind & 0xf
    const ownName = names.text(reader.u32(at))
    symbols.push({
      // The symbol of a section has its name.
      name: type === symbolType.SECTION ? (sections[section]?.name ?? ownName) : ownName,
      value: reader.size(at + 8),
      size: reader.size(at + 16),
      type,
      binding: kind >>> 4,
      visibility: reader.u8(at + 5) & 3,
      section,
    })
  }
  return symbols
}

function readRelocations(
  file: ByteReader,
  sections: readonly RawSection[],
  symbols: readonly ElfSymbol[],
): ReadonlyMap<number, readonly ElfRelocation[]> {
  const bySection = new Map<number, ElfRelocation[]>()
  let total = 0
  for (const { type, bytes, info, name } of sections) {
    // LLVM writes REL for BPF: the addend is in the instruction.
    if (type !== sectionType.REL) continue
    const reader = new ByteReader(bytes, `section ${name}`)
    const relocations = bySection.get(info) ?? []
    bySection.set(info, relocations)
    const count = Math.floor(bytes.length / relocationBytes)
    total += count
    if (total > maxRelocations) throw file.invalid('has too many relocations')
    for (let i = 0; i < count; i++) {
      const at = i * relocationBytes
      const symbol = symbols[reader.u32(at + 12)]
      if (symbol === undefined) throw reader.invalid('names a symbol that does not exist')
      relocations.push({ offset: reader.size(at), type: reader.u32(at + 8), symbol })
    }
  }
  return bySection
}
