import { sipHash24 } from './siphash.ts'

/** Types of datagram (ARCHITECTURE.md, "Datagram"). */
export const type = {
  data: 0x10,
  probe: 0x11,
  mtuProbe: 0x13,
  mtuAnswer: 0x14,
  kernelProbe: 0x15,
  kernelReply: 0x16,
} as const

/** From here on the neighbour's kernel numbered the datagram. */
export const kernelBase = 2n ** 52n
export const headerBytes = 48

/** Fields of a datagram's header; `label` and `body` as they lie in it. */
export interface Datagram {
  readonly type: number
  readonly hopLimit: number
  readonly linkId: number
  readonly plane: number
  readonly remaining: number
  readonly number: bigint
  readonly label: Uint8Array
  /** From byte 32 on: 16 bytes that the tag covers, and the rest. */
  readonly body: Uint8Array
}

export const label = (text: string): Uint8Array =>
  new TextEncoder().encode(text.padEnd(8, '.')).subarray(0, 8)

/** The tag that belongs into bytes 24 to 31. */
export const tagOf = (key: Uint8Array, datagram: Uint8Array): Uint8Array =>
  sipHash24(key, Buffer.concat([datagram.subarray(0, 24), datagram.subarray(32, headerBytes)]))

/** A whole datagram, tagged with `key`. */
export function writeDatagram(fields: Datagram, key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(32 + fields.body.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = fields.type
  bytes[1] = fields.hopLimit
  view.setUint16(2, fields.linkId)
  view.setUint32(4, fields.plane * 2 ** 30 + fields.remaining)
  view.setBigUint64(8, fields.number)
  bytes.set(fields.label, 16)
  bytes.set(fields.body, 32)
  if (bytes.length >= headerBytes) bytes.set(tagOf(key, bytes), 24)
  return bytes
}

export function readDatagram(bytes: Uint8Array): Datagram & { readonly tag: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const word = view.getUint32(4)
  return {
    type: bytes[0]!,
    hopLimit: bytes[1]!,
    linkId: view.getUint16(2),
    plane: word >>> 30,
    remaining: word & 0x3fff_ffff,
    number: view.getBigUint64(8),
    label: bytes.slice(16, 24),
    tag: bytes.slice(24, 32),
    body: bytes.slice(32),
  }
}

/** An address and a port of one end, and its MAC. */
export interface End {
  /** Dotted IPv4, or IPv6 written with all eight groups. */
  readonly ip: string
  readonly port: number
  readonly mac: string
}

export const macBytes = (mac: string): Uint8Array =>
  Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16))

export const isIpv4 = (ip: string): boolean => ip.includes('.')

/** 4 or 16 bytes. */
export function ipBytes(ip: string): Uint8Array {
  if (isIpv4(ip)) return Uint8Array.from(ip.split('.'), Number)
  return Uint8Array.from(
    ip.split(':').flatMap((group) => {
      const value = Number.parseInt(group, 16)
      return [value >> 8, value & 0xff]
    }),
  )
}

/** 16 bytes; IPv4 mapped. */
export const mappedBytes = (ip: string): Uint8Array =>
  isIpv4(ip) ? Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...ipBytes(ip)]) : ipBytes(ip)

/** Sum of RFC 1071 over an even number of bytes, complemented. */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + bytes[i + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

export interface FrameOptions {
  /** Bytes of IPv4 options, a multiple of 4. */
  readonly options?: number
  /** Bytes after the datagram. */
  readonly padding?: number
  readonly ttl?: number
  readonly trafficClass?: number
  /** Flags and offset of IPv4. */
  readonly fragment?: number
  readonly identification?: number
  readonly nextHeader?: number
  /** Instead of what the lengths are. */
  readonly udpBytes?: number
  readonly ipBytes?: number
  /** None if absent; `partial` as a sender on this machine leaves it to a network card: addresses and length only. */
  readonly udpChecksum?: number | 'valid' | 'partial'
}

/** Ethernet, IP and UDP around a datagram. */
export function writeFrame(from: End, to: End, datagram: Uint8Array, options: FrameOptions = {}): Uint8Array {
  const udpBytes = options.udpBytes ?? datagram.length + 8
  const udp = new Uint8Array(8)
  const view = new DataView(udp.buffer)
  view.setUint16(0, from.port)
  view.setUint16(2, to.port)
  view.setUint16(4, udpBytes)
  const pseudo = Buffer.concat([
    mappedBytes(from.ip),
    mappedBytes(to.ip),
    Uint8Array.of(0, 17, udpBytes >> 8, udpBytes & 0xff),
  ])
  const { udpChecksum = 0 } = options
  if (udpChecksum === 'partial') view.setUint16(6, ~internetChecksum(pseudo) & 0xffff)
  else if (udpChecksum !== 'valid') view.setUint16(6, udpChecksum)
  else {
    const odd = new Uint8Array(datagram.length % 2)
    view.setUint16(6, internetChecksum(Buffer.concat([pseudo, udp, datagram, odd])) || 0xffff)
  }
  const protocol = options.nextHeader ?? 17
  let ip: Uint8Array
  if (isIpv4(to.ip)) {
    ip = new Uint8Array(20 + (options.options ?? 0)).fill(1, 20)
    const header = new DataView(ip.buffer)
    ip[0] = 0x40 + ip.length / 4
    ip[1] = options.trafficClass ?? 0
    header.setUint16(2, options.ipBytes ?? ip.length + 8 + datagram.length)
    header.setUint16(4, options.identification ?? 0)
    header.setUint16(6, options.fragment ?? 0x4000)
    ip[8] = options.ttl ?? 64
    ip[9] = protocol
    ip.set(ipBytes(from.ip), 12)
    ip.set(ipBytes(to.ip), 16)
    header.setUint16(10, internetChecksum(ip))
  } else {
    ip = new Uint8Array(40)
    ip[0] = 0x60 | ((options.trafficClass ?? 0) >> 4)
    new DataView(ip.buffer).setUint16(4, options.ipBytes ?? 8 + datagram.length)
    ip[6] = protocol
    ip[7] = options.ttl ?? 64
    ip.set(ipBytes(from.ip), 8)
    ip.set(ipBytes(to.ip), 24)
  }
  const ethertype = isIpv4(to.ip) ? [0x08, 0x00] : [0x86, 0xdd]
  const ethernet = [...macBytes(to.mac), ...macBytes(from.mac), ...ethertype]
  return Buffer.concat([
    Uint8Array.from(ethernet),
    ip,
    udp,
    datagram,
    new Uint8Array(options.padding ?? 0).fill(0xee),
  ])
}

/** The datagram in a frame whose IP header has no options. */
export function datagramIn(frame: Uint8Array): Uint8Array {
  const at = 14 + (frame[12] === 0x08 ? 20 : 40)
  const udpBytes = frame[at + 4]! * 256 + frame[at + 5]!
  return frame.subarray(at + 8, at + udpBytes)
}

/** Whether a datagram bears the tag of this key. */
export const isTagged = (key: Uint8Array, datagram: Uint8Array): boolean =>
  Buffer.from(tagOf(key, datagram)).equals(datagram.subarray(24, 32))
