import { isIPv4, isIPv6 } from 'node:net'
import { formatIpv6 } from '@x0t/core'

/** Where a neighbour's datagrams go: an IPv4 or IPv6 literal (link-local ones with %scope number) and a port. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Length of struct sockaddr_in6: IPv4 is written as ::ffff:a.b.c.d, the socket being dual-stack. */
export const socketAddressBytes = 28

const AF_INET6 = 10

/** struct sockaddr_in6 of an endpoint. @throws TypeError if `host` is not an address literal */
export function encodeSocketAddress({ host, port }: Endpoint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(socketAddressBytes)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, AF_INET6, true)
  view.setUint16(2, port)
  const [address = '', scope] = host.split('%')
  if (isIPv4(address)) {
    bytes.set([0xff, 0xff, ...address.split('.').map(Number)], 18)
  } else if (isIPv6(address)) {
    bytes.set(ipv6Bytes(address), 8)
    view.setUint32(24, Number(scope ?? 0), true)
  } else {
    throw new TypeError(`${host} is not an IP address`)
  }
  return bytes
}

/** The endpoint in a struct sockaddr_in6. */
export function decodeSocketAddress(bytes: Uint8Array): Endpoint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, socketAddressBytes)
  const port = view.getUint16(2)
  const address = bytes.subarray(8, 24)
  const mapped = address.subarray(0, 10).every((byte) => byte === 0) && view.getUint16(18) === 0xffff
  if (mapped) return { host: address.subarray(12).join('.'), port }
  const scope = view.getUint32(24, true)
  return { host: scope === 0 ? formatIpv6(address) : `${formatIpv6(address)}%${scope}`, port }
}

/** 16 bytes of IPv6 text that `isIPv6` has accepted. */
function ipv6Bytes(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const hex = (high: string, low: string): string => ((Number(high) << 8) | Number(low)).toString(16)
  const plain =
    dotted === null ? text : `${dotted[1]}${hex(dotted[2]!, dotted[3]!)}:${hex(dotted[4]!, dotted[5]!)}`
  const [head = '', tail] = plain.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back]
  return Uint8Array.from(all.flatMap((group) => [group >>> 8, group & 0xff]))
}
