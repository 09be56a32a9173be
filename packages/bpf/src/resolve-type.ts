import type { BtfType, BtfTypes } from './btf-type.ts'

const longestChain = 64

/** The type behind typedefs and qualifiers; `unknown` for a chain without end. */
export function resolve(types: BtfTypes, id: number): BtfType {
  let type = types.type(id)
  for (let depth = 0; depth < longestChain; depth++) {
    switch (type.kind) {
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type-tag':
      case 'variable':
        type = types.type(type.type)
        break
      default:
        return type
    }
  }
  return { kind: 'unknown' }
}
