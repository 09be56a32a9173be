/** A member of a struct or union. */
export interface BtfMember {
  /** Empty for an anonymous struct or union. */
  readonly name: string
  readonly type: number
  /** From the start of the struct, bits. */
  readonly bitOffset: number
  /** Width of a bitfield; 0 for an ordinary member. */
  readonly bitfieldBits: number
}

/** One type of BTF (Documentation/bpf/btf.rst); types refer to each other by their index, `void` being 0. */
export type BtfType =
  | { readonly kind: 'void' | 'unknown' }
  | {
      readonly kind: 'int'
      readonly name: string
      readonly bytes: number
      /** Fewer than 8 * bytes only in bitfields of old compilers, which begin at `bitOffset`. */
      readonly bits: number
      readonly bitOffset: number
      readonly encoding: 'unsigned' | 'signed' | 'char' | 'bool'
    }
  | { readonly kind: 'float'; readonly name: string; readonly bytes: number }
  | { readonly kind: 'pointer' | 'const' | 'volatile' | 'restrict'; readonly type: number }
  | { readonly kind: 'typedef' | 'type-tag'; readonly name: string; readonly type: number }
  | { readonly kind: 'array'; readonly type: number; readonly count: number }
  | {
      readonly kind: 'struct' | 'union'
      readonly name: string
      readonly bytes: number
      readonly members: readonly BtfMember[]
    }
  | {
      /** ENUM and ENUM64. */
      readonly kind: 'enum'
      readonly name: string
      readonly bytes: number
      readonly signed: boolean
      readonly values: readonly { readonly name: string; readonly value: bigint }[]
    }
  | { readonly kind: 'forward'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string; readonly type: number }
  | {
      readonly kind: 'function-prototype'
      readonly type: number
      readonly parameters: readonly { readonly name: string; readonly type: number }[]
    }
  | { readonly kind: 'variable'; readonly name: string; readonly type: number; readonly linkage: number }
  | {
      readonly kind: 'data-section'
      readonly name: string
      readonly bytes: number
      readonly variables: readonly {
        readonly type: number
        readonly offset: number
        readonly bytes: number
      }[]
    }
  | {
      readonly kind: 'declaration-tag'
      readonly name: string
      readonly type: number
      /** Member or parameter that it belongs to; -1 for the whole. */
      readonly component: number
    }

/** The types of an object or of the kernel. */
export interface BtfTypes {
  /** The type of this index; kind `unknown` where there is none. */
  type(id: number): BtfType
  /** How many there are, `void` included. */
  readonly count: number
}
