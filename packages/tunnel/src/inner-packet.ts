import type { Arena } from './arena.ts'

/** Bytes of struct virtio_net_hdr, which precedes every packet from and to the TUN. */
export const virtioBytes = 10
export const ipv6Bytes = 40

/** First byte of a unit's plaintext: flags of a virtio header (a single packet), or one of these. */
export const unitKind = { report: 0x80, packed: 0x81, echoRequest: 0x82, echoReply: 0x83 } as const

export const virtio = {
  needsChecksum: 1,
  gsoNone: 0,
  gsoTcp6: 4,
  gsoUdp: 5,
  gsoEcn: 0x80,
} as const

const TCP = 6
const UDP = 17

/**
 * True if a virtio header and the IPv6 packet after it are consistent: what a peer sends is never passed to
 * the kernel unless offload fields stay inside the packet and mean what its headers say.
 * @param length bytes of both
 */
export function isPacketValid({ bytes, view }: Arena, at: number, length: number): boolean {
  if (length < virtioBytes + ipv6Bytes) return false
  const ip = at + virtioBytes
  const packetBytes = length - virtioBytes
  if (bytes[ip]! >>> 4 !== 6 || view.getUint16(ip + 4) !== packetBytes - ipv6Bytes) return false
  const flags = bytes[at]!
  if ((flags & ~virtio.needsChecksum) !== 0) return false
  const gso = bytes[at + 1]!
  const headerLength = view.getUint16(at + 2, true)
  const segmentBytes = view.getUint16(at + 4, true)
  const checksumStart = view.getUint16(at + 6, true)
  const checksumOffset = view.getUint16(at + 8, true)
  if (flags === 0) return gso === virtio.gsoNone
  if (checksumStart < ipv6Bytes || checksumStart + checksumOffset + 2 > packetBytes) return false
  if (gso === virtio.gsoNone) return true
  if (checksumStart !== ipv6Bytes || segmentBytes === 0 || headerLength > packetBytes) return false
  const protocol = bytes[ip + 6]!
  if ((gso & ~virtio.gsoEcn) === virtio.gsoTcp6) {
    const tcpBytes = packetBytes < 60 ? 0 : (bytes[ip + 52]! >>> 4) * 4
    return protocol === TCP && checksumOffset === 16 && tcpBytes >= 20 && ipv6Bytes + tcpBytes <= packetBytes
  }
  return gso === virtio.gsoUdp && protocol === UDP && checksumOffset === 6
}

/** Class of an IPv6 packet with virtio header: the 6 bits of its DSCP (RFC 2474). */
export function dscpOf({ view }: Arena, at: number): number {
  return (view.getUint16(at + virtioBytes) >>> 6) & 0x3f
}

/** True if the packet's source address is these four words. */
export function isFrom({ view }: Arena, at: number, words: readonly number[]): boolean {
  return hasAddress(view, at + virtioBytes + 8, words)
}

/** True if the packet's destination address is these four words. */
export function isTo({ view }: Arena, at: number, words: readonly number[]): boolean {
  return hasAddress(view, at + virtioBytes + 24, words)
}

function hasAddress(view: DataView, at: number, words: readonly number[]): boolean {
  return (
    view.getUint32(at) === words[0] &&
    view.getUint32(at + 4) === words[1] &&
    view.getUint32(at + 8) === words[2] &&
    view.getUint32(at + 12) === words[3]
  )
}
