import type { ProcessIdentity } from '@x0t/testbed'

/** Keys and configuration of a system lie in the folders of the hosts; its daemons can be started. */
export interface PreparedHosts {
  /** Address of a host within the system. */
  addressOf(host: string): string
  /** Starts the daemons of one host, for the first time or again after they ended; returns when it has addresses. */
  startHost(host: string): Promise<readonly ProcessIdentity[]>
}

/** IPv4 address number `at` (from 0) of a network given by its first two octets, like `172.29`. */
export function numberedAddress(network: string, at: number): string {
  return `${network}.${(at + 1) >> 8}.${(at + 1) & 255}`
}
