/** What the data plane reads from rtnetlink (rtnetlink(7), <linux/rtnetlink.h>). Numbers are in the host's order. */
export type NetlinkMessage =
  /** State of an interface: it `carries` if it is up, has a carrier and is not dormant. */
  | { readonly kind: 'link'; readonly index: number; readonly carries: boolean }
  /** A route or an address has gone. */
  | { readonly kind: 'path-lost' }
  /** The answer to {@link encodeRouteQuery}. */
  | { readonly kind: 'route'; readonly sequence: number; readonly index: number | undefined }
  /** The answer to a request that failed; `errno` is positive. 0 is an acknowledgement. */
  | { readonly kind: 'error'; readonly sequence: number; readonly errno: number }

const NLMSG_ERROR = 2
const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const RTM_GETLINK = 18
const RTM_DELADDR = 21
const RTM_NEWROUTE = 24
const RTM_DELROUTE = 25
const RTM_GETROUTE = 26
const NLM_F_REQUEST = 1
const NLM_F_DUMP = 0x300
const RTA_DST = 1
const RTA_OIF = 4
const RTA_IP_PROTO = 27
const RTA_SPORT = 28
const RTA_DPORT = 29
const IFF_UP = 0x1
const IFF_RUNNING = 0x40
const IFF_LOWER_UP = 0x1_0000
const AF_INET = 2
const AF_INET6 = 10
const IPPROTO_UDP = 17
const headerLength = 16
const routeLength = 12
/** Attributes of one message that are looked at. */
const maxAttributes = 64

/** Messages in one datagram of the kernel; what is cut short or unknown is left out. */
export function decodeNetlink(bytes: Uint8Array): readonly NetlinkMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const messages: NetlinkMessage[] = []
  for (let at = 0; at + headerLength <= bytes.length;) {
    const length = view.getUint32(at, true)
    if (length < headerLength || at + length > bytes.length) break
    const message = decodeMessage(view, at, length)
    if (message !== undefined) messages.push(message)
    at += align(length)
  }
  return messages
}

function decodeMessage(view: DataView, at: number, length: number): NetlinkMessage | undefined {
  const type = view.getUint16(at + 4, true)
  const sequence = view.getUint32(at + 8, true)
  const body = at + headerLength
  const bodyLength = length - headerLength
  switch (type) {
    case NLMSG_ERROR:
      return bodyLength < 4 ? undefined : { kind: 'error', sequence, errno: -view.getInt32(body, true) }
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      if (bodyLength < 16) return undefined
      const needed = IFF_UP | IFF_RUNNING | IFF_LOWER_UP
      const carries = type === RTM_NEWLINK && (view.getUint32(body + 8, true) & needed) === needed
      return { kind: 'link', index: view.getInt32(body + 4, true), carries }
    }
    case RTM_DELADDR:
    case RTM_DELROUTE:
      return { kind: 'path-lost' }
    case RTM_NEWROUTE:
      if (bodyLength < routeLength) return undefined
      return { kind: 'route', sequence, index: findIndex(view, body + routeLength, at + length) }
    default:
      return undefined
  }
}

/** RTA_OIF among the attributes of a route. */
function findIndex(view: DataView, from: number, end: number): number | undefined {
  let at = from
  for (let i = 0; i < maxAttributes && at + 4 <= end; i++) {
    const length = view.getUint16(at, true)
    if (length < 4 || at + length > end) return undefined
    if (view.getUint16(at + 2, true) === RTA_OIF && length >= 8) return view.getInt32(at + 4, true)
    at += align(length)
  }
  return undefined
}

/** Asks which interface UDP to an endpoint leaves by. @param socketAddress struct sockaddr_in6 */
export function encodeRouteQuery(
  socketAddress: Uint8Array,
  sourcePort: number,
  sequence: number,
): Uint8Array<ArrayBuffer> {
  const address = socketAddress.subarray(8, 24)
  const isMapped =
    address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff
  const target = isMapped ? address.subarray(12) : address
  const scope = new DataView(socketAddress.buffer, socketAddress.byteOffset).getUint32(24, true)
  const attributes: [type: number, value: Uint8Array][] = [
    [RTA_DST, target],
    [RTA_IP_PROTO, Uint8Array.of(IPPROTO_UDP)],
    [RTA_SPORT, Uint8Array.of(sourcePort >>> 8, sourcePort & 0xff)],
    [RTA_DPORT, socketAddress.subarray(2, 4)],
  ]
  if (scope !== 0 && !isMapped) attributes.push([RTA_OIF, new Uint8Array(Uint32Array.of(scope).buffer)])
  let length = headerLength + routeLength
  for (const [, value] of attributes) length += align(4 + value.length)
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  writeHeader(view, length, RTM_GETROUTE, NLM_F_REQUEST, sequence)
  view.setUint8(headerLength, isMapped ? AF_INET : AF_INET6)
  view.setUint8(headerLength + 1, target.length * 8)
  let at = headerLength + routeLength
  for (const [type, value] of attributes) {
    view.setUint16(at, 4 + value.length, true)
    view.setUint16(at + 2, type, true)
    bytes.set(value, at + 4)
    at += align(4 + value.length)
  }
  return bytes
}

/** Asks for the state of all interfaces. */
export function encodeLinkDump(sequence: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headerLength + 16)
  writeHeader(new DataView(bytes.buffer), bytes.length, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sequence)
  return bytes
}

function writeHeader(view: DataView, length: number, type: number, flags: number, sequence: number): void {
  view.setUint32(0, length, true)
  view.setUint16(4, type, true)
  view.setUint16(6, flags, true)
  view.setUint32(8, sequence, true)
}

/** NLMSG_ALIGN and RTA_ALIGN. */
function align(length: number): number {
  return (length + 3) & ~3
}
