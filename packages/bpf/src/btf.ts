import type { BtfType, BtfTypes } from './btf-type.ts'
import { ByteReader } from './byte-reader.ts'
import { resolve } from './resolve-type.ts'

/** All types of an object, and the strings that .BTF.ext shares with them. */
export interface Btf extends BtfTypes {
  readonly types: readonly BtfType[]
  /** Text at an offset into the string section. */
  text(offset: number, maxBytes?: number): string
}

const magic = 0xeb9f
const maxBytes = 64 * 1024 * 1024
const maxTypes = 500_000

/** Kinds by number. */
const kinds = [
  'void',
  'int',
  'pointer',
  'array',
  'struct',
  'union',
  'enum',
  'forward',
  'typedef',
  'volatile',
  'const',
  'restrict',
  'function',
  'function-prototype',
  'variable',
  'data-section',
  'float',
  'declaration-tag',
  'type-tag',
  'enum',
] as const
const ENUM64 = 19

/** Bytes that follow the 12 bytes common to all types, by kind: fixed, and for each of `vlen`. */
const extraBytes: readonly (readonly [fixed: number, each: number])[] = [
  [0, 0],
  [4, 0],
  [0, 0],
  [12, 0],
  [0, 12],
  [0, 12],
  [0, 8],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 8],
  [4, 0],
  [0, 12],
  [0, 0],
  [4, 0],
  [0, 0],
  [0, 12],
]

/** Where one type lies; what {@link BtfScan} yields without making objects. */
export interface BtfPlace {
  readonly id: number
  readonly at: number
  readonly kind: (typeof kinds)[number]
  readonly nameOffset: number
}

/** BTF bytes of which only the places of types are known: for the kernel's, of which few types are of interest. */
export interface BtfScan {
  readonly reader: ByteReader
  readonly stringsAt: number
  readonly stringsEnd: number
  places(): Generator<BtfPlace>
}

/** @throws X0tError BPF_OBJECT_INVALID */
export function scanBtf(bytes: Uint8Array): BtfScan {
  const reader = new ByteReader(bytes, 'BTF')
  if (bytes.length > maxBytes) throw reader.invalid(`has ${bytes.length} bytes; at most ${maxBytes}`)
  if (reader.u16(0) !== magic || reader.u8(2) !== 1) throw reader.invalid('has no header of version 1')
  const headerBytes = reader.u32(4)
  const typesAt = headerBytes + reader.u32(8)
  const typesEnd = typesAt + reader.u32(12)
  const stringsAt = headerBytes + reader.u32(16)
  const stringsEnd = stringsAt + reader.u32(20)
  if (headerBytes < 24 || typesEnd > bytes.length || stringsEnd > bytes.length || stringsEnd === stringsAt) {
    throw reader.invalid('is cut short')
  }
  if (bytes[stringsEnd - 1] !== 0) throw reader.invalid('has strings without an end')
  return {
    reader,
    stringsAt,
    stringsEnd,
    *places() {
      let id = 1
      for (let at = typesAt; at < typesEnd; id++) {
        if (id > maxTypes) throw reader.invalid(`has more than ${maxTypes} types`)
        const info = reader.u32(at + 4)
        const number = (info >>> 24) & 0x1f
        const kind = kinds[number]
        if (kind === undefined || number === 0)
          throw reader.invalid(`has type ${id} of unknown kind ${number}`)
        yield { id, at, kind, nameOffset: reader.u32(at) }
        const [fixed, each] = extraBytes[number]!
        at += 12 + fixed + each * (info & 0xffff)
        if (at > typesEnd) throw reader.invalid(`ends within type ${id}`)
      }
    },
  }
}

/**
 * All types of an object.
 * @throws X0tError BPF_OBJECT_INVALID, also where a type names one that does not exist
 */
export function parseBtf(bytes: Uint8Array): Btf {
  const scan = scanBtf(bytes)
  const types: BtfType[] = [{ kind: 'void' }]
  for (const place of scan.places()) types.push(readBtfType(scan, place))
  for (const type of types) {
    for (const id of referencesOf(type)) {
      if (id >= types.length) throw scan.reader.invalid(`names type ${id}, of ${types.length}`)
    }
  }
  return {
    types,
    count: types.length,
    type: (id) => types[id] ?? { kind: 'unknown' },
    text: (offset, maxBytes) => textAt(scan, offset, maxBytes),
  }
}

/** @throws X0tError BPF_OBJECT_INVALID */
export function textAt(
  { reader, stringsAt, stringsEnd }: BtfScan,
  offset: number,
  maxBytes?: number,
): string {
  if (stringsAt + offset >= stringsEnd) throw reader.invalid(`names a string at ${offset}`)
  return reader.text(stringsAt + offset, maxBytes)
}

/** The whole of one type. */
export function readBtfType(scan: BtfScan, { at, kind, nameOffset }: BtfPlace): BtfType {
  const { reader } = scan
  const name = textAt(scan, nameOffset)
  const info = reader.u32(at + 4)
  const flag = info >>> 31 === 1
  const sizeOrType = reader.u32(at + 8)
  const count = info & 0xffff
  const each = <T>(bytes: number, read: (at: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => read(at + 12 + i * bytes))
  switch (kind) {
    case 'void':
      return { kind }
    case 'int': {
      const detail = reader.u32(at + 12)
      const encodings = ['unsigned', 'signed', 'char', 'char', 'bool'] as const
      const encoding = encodings[(detail >>> 24) & 0xf] ?? 'unsigned'
      return {
        kind,
        name,
        bytes: sizeOrType,
        bits: detail & 0xff,
        bitOffset: (detail >>> 16) & 0xff,
        encoding,
      }
    }
    case 'float':
      return { kind, name, bytes: sizeOrType }
    case 'pointer':
    case 'volatile':
    case 'const':
    case 'restrict':
      return { kind, type: sizeOrType }
    case 'array':
      return { kind, type: reader.u32(at + 12), count: reader.u32(at + 20) }
    case 'struct':
    case 'union': {
      const members = each(12, (member) => {
        const offset = reader.u32(member + 8)
        return {
          name: textAt(scan, reader.u32(member)),
          type: reader.u32(member + 4),
          bitOffset: flag ? offset & 0xff_ffff : offset,
          bitfieldBits: flag ? offset >>> 24 : 0,
        }
      })
      return { kind, name, bytes: sizeOrType, members }
    }
    case 'enum': {
      const is64 = ((info >>> 24) & 0x1f) === ENUM64
      const values = each(is64 ? 12 : 8, (value) => {
        const low = BigInt(reader.u32(value + 4))
        const raw = is64 ? (BigInt(reader.u32(value + 8)) << 32n) | low : low
        return {
          name: textAt(scan, reader.u32(value)),
          value: flag ? BigInt.asIntN(is64 ? 64 : 32, raw) : raw,
        }
      })
      return { kind, name, bytes: sizeOrType, signed: flag, values }
    }
    case 'forward':
      return { kind, name }
    case 'typedef':
    case 'type-tag':
      return { kind, name, type: sizeOrType }
    case 'declaration-tag':
      return { kind, name, type: sizeOrType, component: reader.i32(at + 12) }
    case 'function':
      return { kind, name, type: sizeOrType }
    case 'function-prototype': {
      const parameters = each(8, (parameter) => ({
        name: textAt(scan, reader.u32(parameter)),
        type: reader.u32(parameter + 4),
      }))
      return { kind, type: sizeOrType, parameters }
    }
    case 'variable':
      return { kind, name, type: sizeOrType, linkage: reader.u32(at + 12) }
    default: {
      const variables = each(12, (variable) => ({
        type: reader.u32(variable),
        offset: reader.u32(variable + 4),
        bytes: reader.u32(variable + 8),
      }))
      return { kind: 'data-section', name, bytes: sizeOrType, variables }
    }
  }
}

function referencesOf(type: BtfType): readonly number[] {
  switch (type.kind) {
    case 'pointer':
    case 'array':
    case 'typedef':
    case 'volatile':
    case 'const':
    case 'restrict':
    case 'type-tag':
    case 'declaration-tag':
    case 'function':
    case 'variable':
      return [type.type]
    case 'struct':
    case 'union':
      return type.members.map((member) => member.type)
    case 'function-prototype':
      return [type.type, ...type.parameters.map((parameter) => parameter.type)]
    case 'data-section':
      return type.variables.map((variable) => variable.type)
    default:
      return []
  }
}

const maxArrayDepth = 64

/** Bytes of a value of this type; 0 for what has none. */
export function btfBytesOf(types: BtfTypes, id: number, depth = 0): number {
  const type = resolve(types, id)
  switch (type.kind) {
    case 'int':
    case 'float':
    case 'enum':
    case 'struct':
    case 'union':
    case 'data-section':
      return type.bytes
    case 'pointer':
      return 8
    case 'array':
      return depth > maxArrayDepth ? 0 : type.count * btfBytesOf(types, type.type, depth + 1)
    default:
      return 0
  }
}
