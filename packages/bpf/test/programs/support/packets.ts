/** Frames for test runs: each function takes what comes inside. Checksums of IP and UDP are zero; programs read none. */

export type Bytes = readonly number[] | Uint8Array

const macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]
const u16 = (value: number) => [value >> 8, value & 255]

/** Ethernet, with VLAN ids from the outermost tag (802.1ad) inwards. */
export function ethernet(type: number, payload: Bytes, vlans: readonly number[] = []): Uint8Array {
  const tags = vlans.flatMap((id, at) => [...u16(at === 0 && vlans.length > 1 ? 0x88a8 : 0x8100), ...u16(id)])
  return Uint8Array.from([...macs, ...tags, ...u16(type), ...payload])
}

export interface Ipv4Fields {
  readonly source: string
  readonly protocol: number
  /** Words of options. */
  readonly optionWords?: number
  readonly fragmentOffset?: number
}

export function ipv4(
  { source, protocol, optionWords = 0, fragmentOffset = 0 }: Ipv4Fields,
  payload: Bytes,
): number[] {
  const words = 5 + optionWords
  return [
    0x40 | words,
    0,
    ...u16(words * 4 + payload.length),
    ...u16(1),
    ...u16(fragmentOffset),
    64,
    protocol,
    0,
    0,
    ...source.split('.').map(Number),
    192,
    0,
    2,
    254,
    ...Array.from({ length: optionWords * 4 }, () => 1),
    ...payload,
  ]
}

/** @param source sixteen bytes */
export function ipv6(source: Bytes, nextHeader: number, payload: Bytes, hopLimit = 64): number[] {
  const target = [0x20, 1, 0xd, 0xb8, ...Array.from({ length: 11 }, () => 0), 0xfe]
  return [0x60, 0, 0, 0, ...u16(payload.length), nextHeader, hopLimit, ...source, ...target, ...payload]
}

/** 2001:db8:a:b:…: the last byte of the /64, and the last byte of all. */
export function ipv6Address(network: number, host: number): number[] {
  return [0x20, 1, 0xd, 0xb8, 0, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, host]
}

export function udp(
  ports: { readonly source?: number; readonly target: number },
  payload: Bytes = [],
): number[] {
  return [...u16(ports.source ?? 4000), ...u16(ports.target), ...u16(8 + payload.length), 0, 0, ...payload]
}

export const tcpFlags = { syn: 0x02, synAck: 0x12, ack: 0x10 } as const

export function tcp(target: number, flags: number): number[] {
  return [...u16(4000), ...u16(target), 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]
}

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const
export const protocols = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  fragment: 44,
  icmpv6: 58,
  options: 60,
} as const
