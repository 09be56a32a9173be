import type { NetworkInterfaceInfo } from 'node:os'

/** Bytes that an interface has received, from /proc/net/dev. @throws TypeError if there is no such interface */
export function parseReceivedBytes(text: string, device: string): number {
  for (const line of text.split('\n')) {
    const [name, counters = ''] = line.trim().split(/:(.*)/s)
    if (name === device) return Number(counters.trim().split(/\s+/)[0])
  }
  throw new TypeError(`no interface ${device} in /proc/net/dev`)
}

/** Name of the interface that has an address. @throws TypeError if none has it */
export function interfaceWith(
  address: string,
  interfaces: NodeJS.Dict<readonly Pick<NetworkInterfaceInfo, 'address'>[]>,
): string {
  for (const [name, addresses = []] of Object.entries(interfaces))
    if (addresses.some((one) => one.address === address)) return name
  throw new TypeError(`no interface has the address ${address}`)
}
