import { X0tError } from '@x0t/core'
import type { BtfRecord, BtfRecords } from './btf-ext.ts'
import { sectionFlag, symbolType, type ElfRelocation } from './elf.ts'
import type { FunctionDefinition, ObjectFile, ProgramDefinition } from './object-file.ts'
import { pseudo } from './uapi.ts'

/** A place whose immediate is to be the descriptor of a map. */
export interface MapReference {
  /** Bytes from the start of the program. */
  readonly at: number
  /** Index into the maps of the object. */
  readonly map: number
}

/** A program with all functions that it calls, in one piece as the kernel takes it. */
export interface Assembly {
  readonly instructions: Uint8Array
  readonly mapReferences: readonly MapReference[]
  /** Records of .BTF.ext, with offsets within this program; empty without BTF. */
  readonly functionRecords: Uint8Array
  readonly lineRecords: Uint8Array
  readonly relocationRecords: Uint8Array
}

interface Piece {
  readonly source: FunctionDefinition
  /** Where it starts in the assembly, bytes. */
  readonly start: number
}

const LDDW = 0x18
const CALL = 0x85
const R_BPF_64_64 = 1
const R_BPF_64_32 = 10
const maxInstructions = 1_000_000

/**
 * Puts a program and its functions together, and does all relocations but the descriptors of maps.
 * @throws X0tError BPF_OBJECT_INVALID, BPF_UNSUPPORTED
 */
export function assembleProgram(object: ObjectFile, program: ProgramDefinition): Assembly {
  return new Assembler(object, program).run()
}

class Assembler {
  readonly #object: ObjectFile
  readonly #name: string
  readonly #pieces: Piece[] = []
  readonly #starts = new Map<FunctionDefinition, number>()
  readonly #functions: ReadonlyMap<string, FunctionDefinition>
  readonly #relocations = new Map<number, ReadonlyMap<number, ElfRelocation>>()
  #bytes = 0
  readonly #mapReferences: MapReference[] = []

  constructor(object: ObjectFile, { spec, entry }: ProgramDefinition) {
    this.#object = object
    this.#name = spec.name
    this.#functions = new Map(object.functions.map((found) => [`${found.section} ${found.offset}`, found]))
    this.#startOf(entry)
  }

  run(): Assembly {
    const parts: Uint8Array[] = []
    // The list grows while it is walked: functions bring those that they call.
    for (const piece of this.#pieces) parts.push(this.#copy(piece))
    const { btfExt } = this.#object
    return {
      instructions: Buffer.concat(parts),
      mapReferences: this.#mapReferences,
      functionRecords: this.#records(btfExt?.functions, 8),
      lineRecords: this.#records(btfExt?.lines, 8),
      relocationRecords: this.#records(btfExt?.relocations, 1),
    }
  }

  #copy({ source, start }: Piece): Uint8Array {
    const section = this.#object.elf.sections[source.section]!
    const bytes = section.bytes.slice(source.offset, source.offset + source.bytes)
    const view = new DataView(bytes.buffer)
    const byOffset = this.#relocationsOf(source.section)
    for (let at = 0; at < bytes.length; at += 8) {
      const code = bytes[at]!
      const relocation = byOffset.get(source.offset + at)
      const isWide = code === LDDW
      if (isWide && at + 16 > bytes.length) throw this.#invalid('ends within an instruction')
      if (relocation !== undefined) this.#relocate(view, at, start, relocation)
      else if (code === CALL && bytes[at + 1]! >>> 4 === pseudo.CALL) {
        const target = source.offset + at + 8 + view.getInt32(at + 4, true) * 8
        this.#setCall(view, at, start, source.section, target)
      }
      if (isWide) at += 8
    }
    return bytes
  }

  #relocate(view: DataView, at: number, start: number, { type, symbol }: ElfRelocation): void {
    const code = view.getUint8(at)
    const addend = view.getInt32(at + 4, true)
    const section = this.#object.elf.sections[symbol.section]
    if (symbol.section === 0 || section === undefined) {
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `${this.#name} uses ${symbol.name} of the kernel, which this loader does not`,
      )
    }
    const isCode = (section.flags & sectionFlag.EXECINSTR) !== 0
    if (type === R_BPF_64_32 && code === CALL && isCode) {
      // A call of a symbol has -1 in it; one of a section counts instructions from there.
      const target = symbol.value + (symbol.type === symbolType.SECTION ? (addend + 1) * 8 : 0)
      this.#setCall(view, at, start, symbol.section, target)
      return
    }
    if (type !== R_BPF_64_64 || code !== LDDW) {
      throw this.#invalid(`has a relocation of type ${type} at a strange place`)
    }
    if (isCode) {
      const target = this.#startOf(this.#functionAt(symbol.section, symbol.value + addend))
      setSource(view, at, pseudo.FUNC)
      view.setInt32(at + 4, (target - start - at) / 8 - 1, true)
      view.setInt32(at + 12, 0, true)
      return
    }
    const offset = symbol.value + addend
    const map = this.#object.maps.findIndex(
      (map) => map.section === symbol.section && (map.contents !== undefined || map.offset === offset),
    )
    const definition = this.#object.maps[map]
    if (definition === undefined)
      throw this.#invalid(`refers to ${symbol.name} of ${section.name}, which is no map`)
    if (definition.contents !== undefined && (offset < 0 || offset >= definition.spec.valueBytes)) {
      throw this.#invalid(`refers to byte ${offset} of ${section.name}`)
    }
    setSource(view, at, definition.contents === undefined ? pseudo.MAP_FD : pseudo.MAP_VALUE)
    view.setInt32(at + 4, 0, true)
    view.setInt32(at + 12, definition.contents === undefined ? 0 : offset, true)
    this.#mapReferences.push({ at: start + at, map })
  }

  #setCall(view: DataView, at: number, start: number, section: number, offset: number): void {
    const target = this.#startOf(this.#functionAt(section, offset))
    setSource(view, at, pseudo.CALL)
    view.setInt32(at + 4, (target - start - at) / 8 - 1, true)
  }

  #functionAt(section: number, offset: number): FunctionDefinition {
    const found = this.#functions.get(`${section} ${offset}`)
    if (found === undefined)
      throw this.#invalid(`calls byte ${offset} of section ${section}, where no function starts`)
    return found
  }

  /** Where a function is in the assembly; it is put to the end if it is not yet there. */
  #startOf(source: FunctionDefinition): number {
    const known = this.#starts.get(source)
    if (known !== undefined) return known
    const start = this.#bytes
    this.#bytes += source.bytes
    if (this.#bytes / 8 > maxInstructions)
      throw this.#invalid(`has more than ${maxInstructions} instructions`)
    this.#pieces.push({ source, start })
    this.#starts.set(source, start)
    return start
  }

  /** @param unit bytes that the kernel counts offsets in: instructions for functions and lines, bytes for CO-RE */
  #records(records: BtfRecords | undefined, unit: number): Uint8Array {
    if (records === undefined) return new Uint8Array(0)
    const parts: Uint8Array[] = []
    for (const { source, start } of this.#pieces) {
      const section = this.#object.elf.sections[source.section]!
      const all = records.bySection.get(section.name) ?? []
      const end = source.offset + source.bytes
      for (let i = firstFrom(all, source.offset); i < all.length && all[i]!.offset < end; i++) {
        const { offset, bytes } = all[i]!
        const copy = bytes.slice()
        new DataView(copy.buffer).setUint32(0, (offset - source.offset + start) / unit, true)
        parts.push(copy)
      }
    }
    return Buffer.concat(parts)
  }

  #relocationsOf(section: number): ReadonlyMap<number, ElfRelocation> {
    const known = this.#relocations.get(section)
    if (known !== undefined) return known
    const relocations = this.#object.elf.relocations.get(section) ?? []
    const byOffset = new Map(relocations.map((relocation) => [relocation.offset, relocation]))
    this.#relocations.set(section, byOffset)
    return byOffset
  }

  #invalid(found: string): X0tError {
    return new X0tError('BPF_OBJECT_INVALID', `program ${this.#name} of the object file ${found}`)
  }
}

/** Index of the first record at or after an offset; they are in order. */
function firstFrom(records: readonly BtfRecord[], offset: number): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (records[middle]!.offset < offset) low = middle + 1
    else high = middle
  }
  return low
}

/** src_reg of an instruction; dst_reg stays. */
function setSource(view: DataView, at: number, source: number): void {
  view.setUint8(at + 1, (view.getUint8(at + 1) & 0x0f) | (source << 4))
}
