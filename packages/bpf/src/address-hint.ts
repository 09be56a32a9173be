import type { BtfTypes } from './btf-type.ts'
import { resolve } from './resolve-type.ts'
import type { AddressKind } from './text-layout.ts'

const macName = /mac|ether|lladdr/i
const addressName = /ip|addr|src|dst|peer|host|v[46]/i

/** What address a field holds, by its type and its name; undefined where they do not say so. */
export function addressKindOf(types: BtfTypes, id: number, name: string): AddressKind | undefined {
  const type = resolve(types, id)
  if (type.kind === 'struct' && type.name === 'in6_addr' && type.bytes === 16) return 'ipv6'
  if (type.kind === 'struct' && type.name === 'in_addr' && type.bytes === 4) return 'ipv4'
  if (isNetworkOrder32(types, id)) return addressName.test(name) ? 'ipv4' : undefined
  if (type.kind !== 'array') return undefined
  const element = resolve(types, type.type)
  const isByte = element.kind === 'int' && element.bytes === 1 && element.encoding === 'unsigned'
  if (type.count === 4 && isNetworkOrder32(types, type.type))
    return addressName.test(name) ? 'ipv6' : undefined
  if (!isByte) return undefined
  if (type.count === 6) return macName.test(name) || addressName.test(name) ? 'mac' : undefined
  if (type.count === 4) return addressName.test(name) ? 'ipv4' : undefined
  return type.count === 16 && addressName.test(name) ? 'ipv6' : undefined
}

function isNetworkOrder32(types: BtfTypes, id: number): boolean {
  const type = types.type(id)
  if (type.kind === 'const' || type.kind === 'volatile') {
    const inner = types.type(type.type)
    return inner.kind === 'typedef' && inner.name === '__be32'
  }
  return type.kind === 'typedef' && type.name === '__be32'
}
