import { networkInterfaces } from 'node:os'
import { formatAddress, isOverlayIp, parseAddress, type Address } from '@x0t/libp2p'

const maxAdvertised = 16

/**
 * Where others reach this node: what the configuration says, else the interfaces' addresses (no loopback, no
 * link-local, none of the overlay) with the port that is listened on.
 */
export function advertisedAddresses(
  advertise: readonly Address[],
  listening: readonly Address[],
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): string[] {
  if (advertise.length > 0) return advertise.map(formatAddress).slice(0, maxAdvertised)
  const found = new Set<string>()
  for (const { host, port } of listening) {
    const isAny = host === '::' || host === '0.0.0.0'
    if (!isAny) {
      if (isReachable(host)) found.add(formatAddress({ host, port }))
      continue
    }
    for (const { address, family, internal } of Object.values(interfaces).flatMap((list) => list ?? [])) {
      if (internal || (family === 'IPv6') !== (host === '::') || !isReachable(address)) continue
      found.add(formatAddress({ host: address, port }))
    }
  }
  return [...found].slice(0, maxAdvertised)
}

function isReachable(host: string): boolean {
  return !isOverlayIp(host) && !/^(127\.|169\.254\.|::1$|fe[89ab])/i.test(host)
}

/** Each address once, in order of first appearance. */
export function uniqueAddresses<T extends { readonly host: string; readonly port: number }>(
  addresses: readonly T[],
): T[] {
  return [...new Map(addresses.map((address) => [`${address.host} ${address.port}`, address])).values()]
}

/** The addresses among what a member says of itself; anything else is left out. */
export function dialable(addresses: readonly string[]): { host: string; port: number }[] {
  return addresses.flatMap((text) => {
    try {
      return [parseAddress(text)]
    } catch {
      return []
    }
  })
}
