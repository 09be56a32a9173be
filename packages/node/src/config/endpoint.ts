import { isIP } from 'node:net'

/** A host (address or name, without brackets) and a port. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

const hostName =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*\.?$/i

/**
 * Parses `host:port` or `[ipv6]:port`.
 * @throws RangeError that says what was expected
 */
export function parseEndpoint(text: string): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:.%\w]{2,60})\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text)
  if (match === null) throw new RangeError('host:port, an IPv6 address in brackets')
  const port = Number(match[3])
  if (port < 1 || port > 65_535) throw new RangeError('a port from 1 to 65535')
  if (match[1] !== undefined) {
    if (isIP(match[1]) !== 6) throw new RangeError('an IPv6 address inside the brackets')
    return { host: match[1], port }
  }
  const host = match[2]!
  if (isIP(host) === 0 && !hostName.test(host)) throw new RangeError('a host name or an address')
  // A name of digits and dots that is no address would be resolved in surprising ways (127.1, 0x7f.1).
  if (isIP(host) === 0 && /^[\d.]+$/.test(host)) throw new RangeError('an IPv4 address of four numbers')
  return { host, port }
}

/** `host:port`, with brackets round an IPv6 address. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** True for 127.0.0.0/8, ::1 and `localhost`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
