import { linksOf, type NetworkPlan, type ProcessIdentity } from '@x0t/testbed'
import type { BedTools } from '../../bed-tools.ts'
import {
  makeWireguardKeys,
  startWireguard,
  wireguardMtuBytes,
  type WireguardKeys,
} from '../../overlays/wireguard.ts'
import { linkCost, type RoutedLink } from './routed-link.ts'

/** The end of a tunnel over one link of the plan. */
export interface TunnelEnd extends RoutedLink {
  readonly port: number
  /** For Babel, which speaks over link-local addresses; the interface makes none by itself. */
  readonly linkLocalIpv6: string
  /** Address of the other end on the link below. */
  readonly endpointIpv4: string
}

/** Ends of the tunnels of a host, one tunnel per link, each a subnet 172.30.x.x/30 of its own. */
export function tunnelEnds(plan: NetworkPlan, host: string): readonly TunnelEnd[] {
  return linksOf(plan, host).map(({ own, other }) => {
    const link = plan.links.findIndex(({ a, b }) => a === own || b === own)
    const side = plan.links[link]!.a === own ? 0 : 1
    return {
      neighbour: other.host,
      interface: `wg-${other.host}`,
      ownIpv4: tunnelAddress(link, side),
      otherIpv4: tunnelAddress(link, side === 0 ? 1 : 0),
      cost: linkCost(plan, host, other.host),
      port: 51_820 + link,
      linkLocalIpv6: `fe80::${(link + 1).toString(16)}:${side + 1}`,
      endpointIpv4: other.ipv4,
    }
  })
}

function tunnelAddress(link: number, side: 0 | 1): string {
  const offset = 4 * link + 1 + side
  return `172.30.${(offset >> 8) & 255}.${offset & 255}`
}

/** WireGuard tunnels over every link of a bed. */
export interface WireguardMesh {
  /** Starts the tunnels of a host, with addresses and up. */
  startHost(host: string): Promise<readonly ProcessIdentity[]>
}

/** Makes a key for every host. */
export async function prepareWireguardMesh(tools: BedTools): Promise<WireguardMesh> {
  const { plan } = tools.bed
  const keys = new Map<string, WireguardKeys>()
  for (const { name } of plan.hosts) keys.set(name, await makeWireguardKeys(tools))
  return {
    async startHost(host) {
      const daemons: ProcessIdentity[] = []
      for (const end of tunnelEnds(plan, host)) {
        const { neighbour, interface: device, port, ownIpv4, linkLocalIpv6, endpointIpv4 } = end
        const peer = { publicKey: keys.get(neighbour)!.public, ipv4: endpointIpv4 }
        daemons.push(await startWireguard(tools, { host, device, port, keys: keys.get(host)!, peer }))
        const lines = [
          `address add ${ownIpv4}/30 dev ${device}`,
          `address add ${linkLocalIpv6}/64 dev ${device} nodad`,
          `link set ${device} up mtu ${wireguardMtuBytes} txqueuelen 1000`,
        ]
        await tools.run(host, ['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` })
      }
      return daemons
    },
  }
}
