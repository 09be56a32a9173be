import { isIP } from 'node:net'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { X0tError } from '@x0t/core'

/** Where a control port is: an IP address or a DNS name, and a TCP port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** @throws X0tError CONTROL_ADDRESS_INVALID unless `text` is `host:port` or `[ipv6]:port` */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]{1,253})):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  if (host === undefined || port < 1 || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6)) {
    throw new X0tError('CONTROL_ADDRESS_INVALID', `${JSON.stringify(text.slice(0, 80))} is not host:port`, {
      hint: 'write 192.0.2.1:7800, [2001:db8::1]:7800 or host.example:7800',
      exitCode: 2,
    })
  }
  return { host, port }
}

/** `host:port`, with IPv6 in brackets. */
export function formatAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

/** IPv4 mapped into IPv6 (`::ffff:192.0.2.1`) as plain IPv4; anything else as it is, without a zone. */
export function plainIp(ip: string): string {
  const unzoned = ip.split('%', 1)[0] ?? ip
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(unzoned) ? unzoned.slice(7) : unzoned
}

/**
 * True for an address inside the overlay (fd78::/16). The control plane carries the overlay, so it must not
 * run over it.
 */
export function isOverlayIp(ip: string): boolean {
  return isIP(ip) === 6 && /^fd78:/i.test(ip)
}

/** True if an address that others told us may be dialled: an IP (no name), not the overlay, not a group or a wildcard. */
export function isDialableHint({ host, port }: Address): boolean {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return false
  const family = isIP(host)
  if (family === 0 || isOverlayIp(host)) return false
  if (family === 4) return !/^(0\.|22[4-9]\.|23\d\.|255\.)/.test(host)
  return !/^(ff|::$|::ffff:)/i.test(host)
}

/** The libp2p form: `/ip4/…/tcp/…/tls`. */
export function toMultiaddr({ host, port }: Address): Multiaddr {
  const family = isIP(host)
  const kind = family === 4 ? 'ip4' : family === 6 ? 'ip6' : 'dns'
  return multiaddr(`/${kind}/${host}/tcp/${port}/tls`)
}

/** Undoes {@link toMultiaddr}, with or without `/p2p/…`; undefined for addresses of another shape. */
export function fromMultiaddr(address: Multiaddr): Address | undefined {
  const [first, tcp, tls, peer, ...rest] = address.getComponents()
  if (rest.length > 0 || (peer !== undefined && peer.name !== 'p2p')) return undefined
  if (first?.value === undefined || !['ip4', 'ip6', 'dns', 'dns4', 'dns6'].includes(first.name))
    return undefined
  if (tcp?.name !== 'tcp' || tls?.name !== 'tls') return undefined
  return { host: first.value, port: Number(tcp.value) }
}
