import { X0tError } from '@x0t/core'
import { addressKindOf } from './address-hint.ts'
import { arrayLayout, structLayout, unionLayout, type MemberLayout } from './aggregate-layout.ts'
import type { BtfMember, BtfType, BtfTypes } from './btf-type.ts'
import type { Layout } from './layout.ts'
import { resolve } from './resolve-type.ts'
import { bitfieldLayout, booleanLayout, enumLayout, floatLayout, integerLayout } from './scalar-layout.ts'
import { addressLayout, charactersLayout } from './text-layout.ts'

export interface LayoutOptions {
  /**
   * Show bytes as MAC, IPv4 or IPv6 addresses where type and field name say that they are (`remote_mac`, `__be32 saddr`,
   * `struct in6_addr`). False where absent.
   */
  readonly addresses?: boolean
}

/** Typedefs of the kernel for big-endian fields, and their bytes. */
const bigEndianBytes: Readonly<Record<string, number>> = { __be16: 2, __be32: 4, __be64: 8 }

/** Structs inside values that belong to the kernel: they are left out, and the kernel keeps its own. */
const opaque = new Set([
  'bpf_spin_lock',
  'bpf_res_spin_lock',
  'bpf_timer',
  'bpf_wq',
  'bpf_task_work',
  'bpf_list_head',
  'bpf_list_node',
  'bpf_rb_root',
  'bpf_rb_node',
  'bpf_refcount',
])

const maxDepth = 64
const maxBytes = 2 ** 28
/** More than any map or section of globals has, far less than a hostile BTF can describe in a few bytes. */
const maxScalars = 2 ** 22

/** Compiles types of one BTF to layouts, each type once. */
export class LayoutCompiler {
  readonly #types: BtfTypes
  readonly #addresses: boolean
  readonly #compiled = new Map<number, Layout>()

  constructor(types: BtfTypes, { addresses = false }: LayoutOptions) {
    this.#types = types
    this.#addresses = addresses
  }

  /** @throws X0tError BPF_TYPE_UNSUPPORTED */
  layoutOf(id: number, depth = 0): Layout {
    const known = this.#compiled.get(id)
    if (known !== undefined) return known
    if (depth > maxDepth) throw unsupported('a type that contains itself or is nested too deeply')
    const layout = this.#compile(this.#types.type(id), depth + 1)
    if (layout.bytes > maxBytes || layout.scalars > maxScalars)
      throw unsupported(`a type of ${layout.bytes} bytes and ${layout.scalars} fields is too large`)
    this.#compiled.set(id, layout)
    return layout
  }

  #compile(type: BtfType, depth: number): Layout {
    switch (type.kind) {
      case 'int': {
        const integer =
          type.encoding === 'bool'
            ? booleanLayout(type.bytes)
            : integerLayout(type.bytes, type.encoding === 'signed')
        return integer ?? refuse(`the integer ${type.name} of ${type.bytes} bytes`)
      }
      case 'float':
        return (
          floatLayout(type.bytes) ?? refuse(`the floating-point type ${type.name} of ${type.bytes} bytes`)
        )
      case 'enum':
        return enumLayout(type) ?? refuse(`the enum ${type.name} of ${type.bytes} bytes`)
      case 'pointer':
        return integerLayout(8, false)!
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type-tag':
      case 'variable':
        return this.layoutOf(type.type, depth)
      case 'typedef': {
        const bytes = bigEndianBytes[type.name]
        const plain = this.layoutOf(type.type, depth)
        return bytes === plain.bytes ? integerLayout(bytes, false, false)! : plain
      }
      case 'array': {
        const elements = arrayLayout(this.layoutOf(type.type, depth), type.count)
        return this.#isCharacter(type.type) ? charactersLayout(elements) : elements
      }
      case 'struct':
      case 'union': {
        const members = type.members
          .map((member) => this.#memberOf(type, member, depth))
          .filter((member) => member !== undefined)
        checkNames(type, members)
        return (type.kind === 'struct' ? structLayout : unionLayout)(type.name, type.bytes, members)
      }
      case 'data-section': {
        const members = type.variables.flatMap(({ type: id, offset }) => {
          const variable = this.#types.type(id)
          if (variable.kind !== 'variable')
            throw unsupported(`the section ${type.name} has an entry that is no variable`)
          return (
            this.#memberOf(
              type,
              { name: variable.name, type: id, bitOffset: offset * 8, bitfieldBits: 0 },
              depth,
            ) ?? []
          )
        })
        checkNames(type, members)
        return structLayout(type.name, type.bytes, members)
      }
      default:
        return refuse(`a ${type.kind}${'name' in type ? ` ${type.name}` : ''}`)
    }
  }

  /** undefined for what is the kernel's, and for anonymous members without fields. */
  #memberOf(
    outer: { readonly name: string; readonly bytes: number },
    member: BtfMember,
    depth: number,
  ): MemberLayout | undefined {
    const resolved = resolve(this.#types, member.type)
    if (resolved.kind === 'struct' && opaque.has(resolved.name)) return undefined
    const { name, bitOffset } = member
    const bits =
      member.bitfieldBits === 0 && resolved.kind === 'int' && resolved.bits < resolved.bytes * 8
        ? { first: bitOffset + resolved.bitOffset, count: resolved.bits }
        : { first: bitOffset, count: member.bitfieldBits }
    const where = `${outer.name === '' ? 'a struct' : outer.name}.${name}`
    if (bits.count > 0) {
      if (bits.first + bits.count > outer.bytes * 8) throw unsupported(`${where} lies outside of its struct`)
      return {
        name,
        byteOffset: 0,
        layout: bitfield(resolved, bits.first, bits.count, where),
        fields: new Set(),
      }
    }
    if (bitOffset % 8 !== 0) throw unsupported(`${where} does not begin at a byte`)
    const plain = this.layoutOf(member.type, depth)
    const byteOffset = bitOffset / 8
    if (byteOffset + plain.bytes > outer.bytes) throw unsupported(`${where} lies outside of its struct`)
    if (name === '') {
      if (resolved.kind !== 'struct' && resolved.kind !== 'union')
        throw unsupported(`${where} has no name and no fields`)
      const fields = fieldNames(this.#types, resolved)
      return fields.size === 0 ? undefined : { name, byteOffset, layout: plain, fields }
    }
    const kind = this.#addresses ? addressKindOf(this.#types, member.type, name) : undefined
    const layout = kind === undefined ? plain : addressLayout(kind, plain)
    return { name, byteOffset, layout, fields: new Set() }
  }

  #isCharacter(id: number): boolean {
    const element = resolve(this.#types, id)
    return (
      element.kind === 'int' &&
      element.bytes === 1 &&
      (element.encoding === 'char' || element.name === 'char')
    )
  }
}

type Composite = Extract<BtfType, { kind: 'struct' | 'union' }>

function fieldNames(types: BtfTypes, { members }: Composite): ReadonlySet<string> {
  return new Set(
    members.flatMap(({ name, type }) => {
      const inner = resolve(types, type)
      if (inner.kind === 'struct' && opaque.has(inner.name)) return []
      if (name !== '') return [name]
      return inner.kind === 'struct' || inner.kind === 'union' ? [...fieldNames(types, inner)] : []
    }),
  )
}

function checkNames(outer: { readonly name: string }, members: readonly MemberLayout[]): void {
  const names = members.flatMap(({ name, fields }) => (name === '' ? [...fields] : [name]))
  if (new Set(names).size < names.length) throw unsupported(`${outer.name} has two fields of one name`)
}

function bitfield(type: BtfType, first: number, count: number, where: string): Layout {
  if (type.kind !== 'int' && type.kind !== 'enum') throw unsupported(`the bitfield ${where} is no integer`)
  if (count > type.bytes * 8 || type.bytes > 16)
    throw unsupported(`the bitfield ${where} is wider than its type`)
  const isEnum = type.kind === 'enum'
  return bitfieldLayout(
    {
      bytes: type.bytes,
      signed: isEnum ? type.signed : type.encoding === 'signed',
      boolean: !isEnum && type.encoding === 'bool',
      names: isEnum ? new Map(type.values.map(({ name, value }) => [name, value])) : undefined,
    },
    first,
    count,
  )
}

function refuse(what: string): never {
  throw unsupported(`${what} has no values to read or write`)
}

function unsupported(message: string): X0tError {
  return new X0tError('BPF_TYPE_UNSUPPORTED', message)
}
