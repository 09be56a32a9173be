import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { messageOf, X0tError } from '@x0t/core'

/** Hosts that may be put under load without asking: this machine, and private networks such as a testbed's. */
const near = new BlockList()
near.addSubnet('127.0.0.0', 8, 'ipv4')
near.addAddress('::1', 'ipv6')
near.addSubnet('10.0.0.0', 8, 'ipv4')
near.addSubnet('172.16.0.0', 12, 'ipv4')
near.addSubnet('192.168.0.0', 16, 'ipv4')
near.addSubnet('fc00::', 7, 'ipv6')

/** Most requests a second, and longest load, that a host outside {@link isNear} is given. */
export const remoteBounds = { ratePerSecond: 100, seconds: 60 } as const

/** True for loopback and private addresses (RFC 1918, RFC 4193), IPv4 written as IPv6 included. */
export function isNear(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return false
  return near.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/** A URL to be measured, and whether it lies outside this machine and private networks. */
export interface HttpTarget {
  readonly url: URL
  readonly remote: boolean
}

export interface TargetOptions {
  /** The user said that the host may be measured although it is not near. */
  readonly allowRemote: boolean
  /** Addresses of a name; the system's resolver where absent. */
  readonly resolve?: (host: string) => Promise<readonly string[]>
}

/**
 * Reads a URL and refuses a host that is not near, unless it was allowed: a measurement is load.
 * A name is near only if all its addresses are.
 * @throws X0tError BENCH_URL_INVALID, BENCH_TARGET_UNKNOWN (the name has no address), BENCH_TARGET_REMOTE
 */
export async function parseTarget(
  text: string,
  { allowRemote, resolve = resolveName }: TargetOptions,
): Promise<HttpTarget> {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '') {
    throw new X0tError(
      'BENCH_URL_INVALID',
      `no URL of an HTTP service: ${JSON.stringify(text.slice(0, 200))}`,
      {
        exitCode: 2,
        hint: 'http://127.0.0.1:8080/health, without a user name',
      },
    )
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) === 0 ? await addressesOf(host, resolve) : [host]
  const remote = !addresses.every(isNear)
  if (remote && !allowRemote) {
    throw new X0tError(
      'BENCH_TARGET_REMOTE',
      `${host} is neither this machine nor in a private network, and a measurement is load`,
      { exitCode: 2, hint: 'with leave of whoever runs it: --allow-remote' },
    )
  }
  return { url, remote }
}

async function addressesOf(
  host: string,
  resolve: NonNullable<TargetOptions['resolve']>,
): Promise<readonly string[]> {
  try {
    const addresses = await resolve(host)
    if (addresses.length > 0) return addresses
  } catch (error) {
    throw new X0tError('BENCH_TARGET_UNKNOWN', `${host} has no address: ${messageOf(error)}`, {
      cause: error,
    })
  }
  throw new X0tError('BENCH_TARGET_UNKNOWN', `${host} has no address`)
}

async function resolveName(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}
