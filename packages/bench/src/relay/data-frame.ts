import { labelOf, linkId, planePort } from './static-mesh.ts'

/** A frame from one host to the next, whose datagram is for a third. */
export interface DataFrame {
  readonly from: { readonly host: string; readonly mac: string; readonly ipv4: string }
  readonly to: { readonly host: string; readonly mac: string; readonly ipv4: string }
  /** IPv4 destination; that of `to`, unless the kernel of `to` is to route it. */
  readonly targetIpv4?: string
  readonly destination: string
  /** Of the datagram, headers of UDP and IP apart: 48 at least. */
  readonly datagramBytes: number
}

const ethernetBytes = 14
const ipv4Bytes = 20
const udpBytes = 8
/** ARCHITECTURE.md, Datagram: a data datagram on the shortest way, from a source far away. */
const dataType = 0x10
const hopLimit = 255
const remainingDistance = 2 ** 29

/** The frame without hop counter and tag, which whoever sends it fills in. @throws RangeError for a datagram without room for its headers */
export function dataFrame({
  from,
  to,
  targetIpv4 = to.ipv4,
  destination,
  datagramBytes,
}: DataFrame): Uint8Array {
  if (datagramBytes < 48 || datagramBytes > 1400)
    throw new RangeError(`a datagram of ${datagramBytes} bytes; expected 48 to 1400`)
  const bytes = new Uint8Array(ethernetBytes + ipv4Bytes + udpBytes + datagramBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(macBytes(to.mac), 0)
  bytes.set(macBytes(from.mac), 6)
  view.setUint16(12, 0x0800)
  const ip = ethernetBytes
  view.setUint16(ip, 0x4500)
  view.setUint16(ip + 2, ipv4Bytes + udpBytes + datagramBytes)
  view.setUint16(ip + 6, 0x4000) // Don't Fragment
  view.setUint16(ip + 8, (64 << 8) | 17)
  bytes.set(ipv4Octets(from.ipv4), ip + 12)
  bytes.set(ipv4Octets(targetIpv4), ip + 16)
  view.setUint16(ip + 10, internetChecksum(bytes.subarray(ip, ip + ipv4Bytes)))
  const udp = ip + ipv4Bytes
  view.setUint16(udp, planePort)
  view.setUint16(udp + 2, planePort)
  view.setUint16(udp + 4, udpBytes + datagramBytes)
  const hop = udp + udpBytes
  view.setUint8(hop, dataType)
  view.setUint8(hop + 1, hopLimit)
  view.setUint16(hop + 2, linkId(to.host, from.host))
  view.setUint32(hop + 4, remainingDistance)
  bytes.set(labelOf(destination), hop + 16)
  // Unit header: one fragment that is a whole unit.
  view.setUint32(hop + 32, 1)
  view.setUint16(hop + 42, datagramBytes - 48)
  view.setUint16(hop + 44, datagramBytes - 48)
  return bytes
}

/** Ones' complement sum (RFC 1071) of an even number of bytes. */
export function internetChecksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += view.getUint16(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function macBytes(mac: string): readonly number[] {
  return mac.split(':').map((octet) => Number.parseInt(octet, 16))
}

function ipv4Octets(address: string): readonly number[] {
  return address.split('.').map(Number)
}
