import { bytesOfNodeId, type NodeId } from './node-id.ts'

/** Prefix of all overlay addresses: fd78::/16, unique local by RFC 4193 §3.1. */
export const overlayPrefix = 'fd78::/16'

/** Overlay IPv6 address of a node, 16 bytes: fd78, then the first 112 bits of its id. */
export function overlayAddressBytes(id: NodeId): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(16)
  address[0] = 0xfd
  address[1] = 0x78
  address.set(bytesOfNodeId(id).subarray(0, 14), 2)
  return address
}

/** The same as text in the canonical form of RFC 5952. */
export function overlayAddress(id: NodeId): string {
  return formatIpv6(overlayAddressBytes(id))
}

/** IPv6 text of RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as `::`. */
export function formatIpv6(address: Uint8Array): string {
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push((address[i]! << 8) | address[i + 1]!)
  let start = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && groups[i + run] === 0) run++
    if (run > length) {
      start = i
      length = run
    }
  }
  const text = groups.map((group) => group.toString(16))
  if (start < 0) return text.join(':')
  return `${text.slice(0, start).join(':')}::${text.slice(start + length).join(':')}`
}
