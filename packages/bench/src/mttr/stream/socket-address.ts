import { isIPv4, isIPv6 } from 'node:net'

/** Address families of Linux. */
export const familyIpv4 = 2
export const familyIpv6 = 10

/** A struct sockaddr_in or sockaddr_in6. */
export interface SocketAddress {
  readonly family: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** @throws TypeError if `host` is not an address without scope */
export function socketAddress(host: string, port: number): SocketAddress {
  if (isIPv4(host)) {
    const bytes = new Uint8Array(16)
    const view = new DataView(bytes.buffer)
    view.setUint16(0, familyIpv4, true)
    view.setUint16(2, port)
    bytes.set(host.split('.').map(Number), 4)
    return { family: familyIpv4, bytes }
  }
  if (!isIPv6(host) || host.includes('%')) throw new TypeError(`${host} is not an IP address without scope`)
  const bytes = new Uint8Array(28)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, familyIpv6, true)
  view.setUint16(2, port)
  for (const [at, group] of groupsOf(host).entries()) view.setUint16(8 + 2 * at, group)
  return { family: familyIpv6, bytes }
}

/** The eight groups of IPv6 text; the URL parser writes a dotted end as two groups. */
function groupsOf(host: string): number[] {
  const [head = '', tail] = new URL(`http://[${host}]/`).hostname.slice(1, -1).split('::')
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const front = parse(head)
  if (tail === undefined) return front
  const back = parse(tail)
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back]
}
