import type { BtfMember, BtfType, BtfTypes } from '@x0t/bpf'

/** Builds BTF by hand: each call adds a type and gives its index. */
export class TypeList implements BtfTypes {
  readonly #list: BtfType[] = [{ kind: 'void' }]

  get count(): number {
    return this.#list.length
  }

  type(id: number): BtfType {
    return this.#list[id] ?? { kind: 'unknown' }
  }

  add(type: BtfType): number {
    return this.#list.push(type) - 1
  }

  int(name: string, bytes: number, encoding: 'unsigned' | 'signed' | 'char' | 'bool' = 'unsigned'): number {
    return this.add({ kind: 'int', name, bytes, bits: bytes * 8, bitOffset: 0, encoding })
  }

  typedef(name: string, type: number): number {
    return this.add({ kind: 'typedef', name, type })
  }

  array(type: number, count: number): number {
    return this.add({ kind: 'array', type, count })
  }

  enum(name: string, bytes: number, values: Readonly<Record<string, bigint>>, signed = false): number {
    const list = Object.entries(values).map(([key, value]) => ({ name: key, value }))
    return this.add({ kind: 'enum', name, bytes, signed, values: list })
  }

  /** Members as [name, type, byte offset] or [name, type, bit offset, bits]. */
  composite(
    kind: 'struct' | 'union',
    name: string,
    bytes: number,
    members: readonly (readonly [string, number, number, number?])[],
  ): number {
    return this.add({
      kind,
      name,
      bytes,
      members: members.map(([member, type, offset, bits = 0]): BtfMember => ({
        name: member,
        type,
        bitOffset: bits > 0 ? offset : offset * 8,
        bitfieldBits: bits,
      })),
    })
  }

  variable(name: string, type: number): number {
    return this.add({ kind: 'variable', name, type, linkage: 1 })
  }

  section(name: string, bytes: number, variables: readonly (readonly [number, number, number])[]): number {
    const list = variables.map(([type, offset, size]) => ({ type, offset, bytes: size }))
    return this.add({ kind: 'data-section', name, bytes, variables: list })
  }
}
