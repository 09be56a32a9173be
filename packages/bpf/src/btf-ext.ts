import type { Btf } from './btf.ts'
import { ByteReader } from './byte-reader.ts'

/** One record of .BTF.ext: where in its section, and its bytes. */
export interface BtfRecord {
  /** Bytes from the start of the section. */
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Records of one kind by section, in order of offset. */
export interface BtfRecords {
  readonly recordBytes: number
  readonly bySection: ReadonlyMap<string, readonly BtfRecord[]>
}

/** What .BTF.ext tells of instructions (Documentation/bpf/btf.rst, section 4.2). */
export interface BtfExt {
  readonly functions: BtfRecords
  readonly lines: BtfRecords
  readonly relocations: BtfRecords
}

const magic = 0xeb9f
const maxRecords = 1_000_000
const none: BtfRecords = { recordBytes: 0, bySection: new Map() }

/** @throws X0tError BPF_OBJECT_INVALID */
export function parseBtfExt(bytes: Uint8Array, btf: Btf): BtfExt {
  const reader = new ByteReader(bytes, '.BTF.ext')
  if (reader.u16(0) !== magic || reader.u8(2) !== 1) throw reader.invalid('has no header of version 1')
  const headerBytes = reader.u32(4)
  const part = (at: number, minBytes: number): BtfRecords =>
    headerBytes < at + 8
      ? none
      : readRecords(reader, btf, headerBytes + reader.u32(at), reader.u32(at + 4), minBytes)
  return { functions: part(8, 8), lines: part(16, 16), relocations: part(24, 16) }
}

function readRecords(reader: ByteReader, btf: Btf, at: number, bytes: number, minBytes: number): BtfRecords {
  if (bytes === 0) return none
  const end = at + bytes
  const recordBytes = reader.u32(at)
  if (recordBytes < minBytes || recordBytes > 256 || recordBytes % 4 !== 0) {
    throw reader.invalid(`has records of ${recordBytes} bytes`)
  }
  const bySection = new Map<string, BtfRecord[]>()
  let total = 0
  for (let place = at + 4; place < end;) {
    const section = btf.text(reader.u32(place))
    const count = reader.u32(place + 4)
    total += count
    if (total > maxRecords) throw reader.invalid(`has more than ${maxRecords} records`)
    place += 8
    const records = bySection.get(section) ?? []
    bySection.set(section, records)
    for (let i = 0; i < count; i++, place += recordBytes) {
      records.push({ offset: reader.u32(place), bytes: reader.slice(place, recordBytes) })
    }
  }
  for (const records of bySection.values()) records.sort((a, b) => a.offset - b.offset)
  return { recordBytes, bySection }
}
