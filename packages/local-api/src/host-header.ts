import { isIP } from 'node:net'

/**
 * True if a request with this Host header may be answered on TCP. A page on the web reaches 127.0.0.1 by a DNS name
 * that its owner points there (DNS rebinding), and sends that name: so only addresses, `localhost` and names that the
 * configuration allows are served.
 */
export function isServedHost(header: string | undefined, allowedNames: readonly string[]): boolean {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(header ?? '')
  if (match === null) return false
  const [, ipv6, name] = match
  if (ipv6 !== undefined) return isIP(ipv6) === 6
  const host = name!.toLowerCase()
  return isIP(host) === 4 || host === 'localhost' || allowedNames.includes(host)
}
