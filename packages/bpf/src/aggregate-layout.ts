import { isDeepStrictEqual } from 'node:util'
import { isList, type BpfValue } from './bpf-value.ts'
import { valueInvalid, type Layout } from './layout.ts'

/** `count` elements one after the other. */
export function arrayLayout(element: Layout, count: number): Layout {
  return {
    bytes: element.bytes * count,
    scalars: Math.max(1, element.scalars) * count,
    read: (view, at) =>
      Array.from({ length: count }, (_, index) => element.read(view, at + index * element.bytes)),
    write(view, at, value, path, onTop) {
      if (!isList(value) || value.length !== count)
        throw valueInvalid(path, value, `a list of ${count} elements`)
      value.forEach((inner, index) => {
        element.write(view, at + index * element.bytes, inner, `${path}[${index}]`, onTop)
      })
    },
  }
}

/** A member of an {@link objectLayout}. */
export interface MemberLayout {
  /** Empty for an anonymous struct or union, whose fields are those of the outer one. */
  readonly name: string
  readonly byteOffset: number
  readonly layout: Layout
  /** Fields of an anonymous member. */
  readonly fields: ReadonlySet<string>
}

type Fields = Readonly<Record<string, unknown>>

/**
 * A struct. Written on top of nothing, it must have all its fields. What lies between its members (padding, and
 * locks and timers, which are the kernel's) is zero then, and untouched on top of something.
 */
export function structLayout(name: string, bytes: number, members: readonly MemberLayout[]): Layout {
  const shape = shapeOf(name, 'struct', bytes, members)
  return {
    ...shape,
    write(view, at, value, path, onTop) {
      const fields = shape.fieldsOf(value, path)
      for (const member of members) {
        const place = pathOf(path, member)
        if (!mentions(fields, member)) {
          if (!onTop) throw valueInvalid(place, undefined, 'a value for this field')
        } else {
          member.layout.write(view, at + member.byteOffset, partOf(fields, member), place, onTop)
        }
      }
    },
  }
}

/**
 * A union: read as all its members, and written from any of them that do not contradict each other.
 */
export function unionLayout(name: string, bytes: number, members: readonly MemberLayout[]): Layout {
  const shape = shapeOf(name, 'union', bytes, members)
  const largestLast = members.toSorted((a, b) => a.layout.bytes - b.layout.bytes)
  const alternatives = members.flatMap((member) => (member.name === '' ? [...member.fields] : [member.name]))
  return {
    ...shape,
    write(view, at, value, path, onTop) {
      const fields = shape.fieldsOf(value, path)
      const given = largestLast.filter((member) => mentions(fields, member))
      if (given.length === 0) {
        if (onTop || members.length === 0) return
        throw valueInvalid(path, undefined, `one of ${alternatives.join(', ')}`)
      }
      // Every member lies at the start of the union but bitfields, and all of them share its bytes.
      const wanted = given.map((member) => {
        const place = pathOf(path, member)
        const part = partOf(fields, member)
        const before = onTop ? copyOf(view, at, bytes) : new DataView(new ArrayBuffer(bytes))
        member.layout.write(before, member.byteOffset, part, place, onTop)
        member.layout.write(view, at + member.byteOffset, part, place, onTop)
        return { member, place, part, read: member.layout.read(before, member.byteOffset) }
      })
      for (const { member, place, part, read } of wanted) {
        if (!isDeepStrictEqual(member.layout.read(view, at + member.byteOffset), read))
          throw valueInvalid(place, part, 'what the other members of the union say')
      }
    },
  }
}

interface Shape extends Pick<Layout, 'bytes' | 'scalars' | 'read'> {
  /** @throws X0tError BPF_VALUE_INVALID if `value` is no object or has a field that there is not */
  fieldsOf(value: unknown, path: string): Fields
}

function shapeOf(
  name: string,
  kind: 'struct' | 'union',
  bytes: number,
  members: readonly MemberLayout[],
): Shape {
  const known = new Set(
    members.flatMap((member) => (member.name === '' ? [...member.fields] : [member.name])),
  )
  const expected = `an object with the fields of ${kind}${name === '' ? '' : ` ${name}`}`
  return {
    bytes,
    scalars: members.reduce((sum, { layout }) => sum + layout.scalars, 1),
    read: (view, at) =>
      Object.fromEntries(
        members.flatMap((member): (readonly [string, BpfValue])[] => {
          const value = member.layout.read(view, at + member.byteOffset)
          return member.name === '' ? Object.entries(value) : [[member.name, value]]
        }),
      ),
    fieldsOf(value, path) {
      if (typeof value !== 'object' || value === null || isList(value))
        throw valueInvalid(path, value, expected)
      for (const [field, inner] of Object.entries(value)) {
        if (!known.has(field))
          throw valueInvalid(
            `${path}.${field}`,
            inner,
            `a field of ${kind}${name === '' ? '' : ` ${name}`}: ${[...known].join(', ')}`,
          )
      }
      return value as Fields
    },
  }
}

function mentions(fields: Fields, { name, fields: inner }: MemberLayout): boolean {
  return name === '' ? [...inner].some((field) => Object.hasOwn(fields, field)) : Object.hasOwn(fields, name)
}

function partOf(fields: Fields, { name, fields: inner }: MemberLayout): unknown {
  if (name !== '') return fields[name]
  return Object.fromEntries(Object.entries(fields).filter(([field]) => inner.has(field)))
}

function pathOf(path: string, { name, fields }: MemberLayout): string {
  return name === '' ? `${path}.{${[...fields].join(',')}}` : `${path}.${name}`
}

function copyOf(view: DataView, at: number, bytes: number): DataView {
  const start = view.byteOffset + at
  return new DataView(view.buffer.slice(start, start + bytes))
}
