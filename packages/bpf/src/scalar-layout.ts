import type { BtfType } from './btf-type.ts'
import { valueInvalid, type Layout } from './layout.ts'

// BPF objects are of the machine's byte order, and every machine that Node 26 runs on is little-endian here;
// only network fields are big-endian.

/** Widths of C integers, bytes. */
const widths = [1, 2, 4, 8, 16]

/** A whole number of 1 to 16 bytes: a number up to 4 bytes, else a bigint. */
export function integerLayout(bytes: number, signed: boolean, littleEndian = true): Layout | undefined {
  if (!widths.includes(bytes)) return undefined
  const bits = bytes * 8
  const type = `a whole number of ${bits} bits, ${signed ? 'signed' : 'unsigned'}`
  return {
    bytes,
    scalars: 1,
    read(view, at) {
      const wide = readBits(view, at, bytes, littleEndian)
      const value = signed ? BigInt.asIntN(bits, wide) : wide
      return bytes <= 4 ? Number(value) : value
    },
    write(view, at, value, path) {
      const wide = integerIn(value, bits, signed)
      if (wide === undefined) throw valueInvalid(path, value, type)
      writeBits(view, at, bytes, BigInt.asUintN(bits, wide), littleEndian)
    },
  }
}

/** `_Bool`: any byte but 0 is true. Also takes 0, 1 and the words, as a command line gives them. */
export function booleanLayout(bytes: number): Layout | undefined {
  if (!widths.includes(bytes)) return undefined
  return {
    bytes,
    scalars: 1,
    read: (view, at) => readBits(view, at, bytes, true) !== 0n,
    write(view, at, value, path) {
      const truth = booleanOf(value)
      if (truth === undefined) throw valueInvalid(path, value, 'true or false')
      writeBits(view, at, bytes, truth ? 1n : 0n, true)
    },
  }
}

/** float and double. */
export function floatLayout(bytes: number): Layout | undefined {
  if (bytes !== 4 && bytes !== 8) return undefined
  return {
    bytes,
    scalars: 1,
    read: (view, at) => (bytes === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true)),
    write(view, at, value, path) {
      const number = floatOf(value)
      if (number === undefined) throw valueInvalid(path, value, 'a number')
      if (bytes === 4) view.setFloat32(at, number, true)
      else view.setFloat64(at, number, true)
    },
  }
}

type EnumType = Extract<BtfType, { kind: 'enum' }>

/** An enumerator by its name; a number that has none stays a number. Takes names and numbers. */
export function enumLayout({ name, bytes, signed, values }: EnumType): Layout | undefined {
  const integer = integerLayout(bytes, signed)
  if (integer === undefined) return undefined
  const nameOf = new Map<bigint, string>()
  const valueOf = new Map<string, bigint>()
  for (const { name: enumerator, value } of values) {
    if (!nameOf.has(value)) nameOf.set(value, enumerator)
    valueOf.set(enumerator, value)
  }
  const expected = `an enumerator of ${name === '' ? 'the enum' : name} (${some([...valueOf.keys()])}) or its number`
  return {
    bytes,
    scalars: 1,
    read(view, at) {
      const value = integer.read(view, at) as number | bigint
      return nameOf.get(BigInt(value)) ?? value
    },
    write(view, at, value, path, onTop) {
      const known = typeof value === 'string' ? valueOf.get(value) : undefined
      const wide = known ?? integerIn(value, bytes * 8, signed)
      if (wide === undefined) throw valueInvalid(path, value, expected)
      integer.write(view, at, wide, path, onTop)
    },
  }
}

/** A bitfield: `bits` bits from bit `bitOffset` of the struct's start on, little-endian. */
export function bitfieldLayout(inner: Bitfield, bitOffset: number, bits: number): Layout {
  const first = bitOffset >> 3
  const shift = BigInt(bitOffset & 7)
  const span = ((bitOffset & 7) + bits + 7) >> 3
  const mask = (1n << BigInt(bits)) - 1n
  const { signed, names, boolean } = inner
  const nameOf = new Map([...(names ?? [])].toReversed().map(([name, value]) => [value, name]))
  return {
    bytes: span,
    scalars: 1,
    read(view, at) {
      const raw = (readBits(view, at + first, span, true) >> shift) & mask
      const value = signed ? BigInt.asIntN(bits, raw) : raw
      if (boolean) return value !== 0n
      return nameOf.get(value) ?? (inner.bytes <= 4 ? Number(value) : value)
    },
    write(view, at, value, path) {
      const named = typeof value === 'string' ? names?.get(value) : undefined
      const truth = boolean ? booleanOf(value) : undefined
      const wide = named ?? (truth === undefined ? integerIn(value, bits, signed) : truth ? 1n : 0n)
      if (wide === undefined || integerIn(wide, bits, signed) === undefined)
        throw valueInvalid(path, value, `a whole number of ${bits} bits, ${signed ? 'signed' : 'unsigned'}`)
      const old = readBits(view, at + first, span, true)
      writeBits(view, at + first, span, (old & ~(mask << shift)) | ((wide & mask) << shift), true)
    },
  }
}

/** The declared type of a bitfield. */
export interface Bitfield {
  readonly bytes: number
  readonly signed: boolean
  readonly boolean: boolean
  readonly names: ReadonlyMap<string, bigint> | undefined
}

const decimal = /^-?\d{1,40}$/
const hexadecimal = /^0x[0-9a-f]{1,32}$/i

/** The whole number that was given, if it fits; decimal and 0x text too. */
function integerIn(value: unknown, bits: number, signed: boolean): bigint | undefined {
  let wide: bigint
  if (typeof value === 'bigint') wide = value
  else if (typeof value === 'number' && Number.isSafeInteger(value)) wide = BigInt(value)
  else if (typeof value === 'string' && (decimal.test(value) || hexadecimal.test(value))) wide = BigInt(value)
  else return undefined
  const kept = signed ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide)
  return kept === wide ? wide : undefined
}

function floatOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const number = Number(value)
  return Number.isNaN(number) && value !== 'NaN' ? undefined : number
}

function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value === 0 || value === 0n || value === 'false' || value === '0') return false
  if (value === 1 || value === 1n || value === 'true' || value === '1') return true
  return undefined
}

function readBits(view: DataView, at: number, bytes: number, littleEndian: boolean): bigint {
  if (bytes === 8) return view.getBigUint64(at, littleEndian)
  if (bytes === 4) return BigInt(view.getUint32(at, littleEndian))
  let value = 0n
  for (let index = 0; index < bytes; index++) {
    value = (value << 8n) | BigInt(view.getUint8(littleEndian ? at + bytes - 1 - index : at + index))
  }
  return value
}

function writeBits(view: DataView, at: number, bytes: number, value: bigint, littleEndian: boolean): void {
  let rest = value
  for (let index = 0; index < bytes; index++) {
    view.setUint8(littleEndian ? at + index : at + bytes - 1 - index, Number(rest & 0xffn))
    rest >>= 8n
  }
}

const mostNamed = 6

function some(names: readonly string[]): string {
  return names.length <= mostNamed ? names.join(', ') : `${names.slice(0, mostNamed).join(', ')}, …`
}
