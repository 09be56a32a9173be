import type { Lab } from '../lab.ts'

/**
 * Addresses for a tunnel on every link: 172.30.<link>.1 and .2. Hosts in between forward from one tunnel to the
 * next, which is how point-to-point tunnels are joined to a longer path.
 */
export function chainAddress(link: number, side: 0 | 1): string {
  return `172.30.${link}.${side + 1}`
}

/** Interface of the tunnel of a link at one side. Names are the same for all links: namespaces keep them apart. */
export function chainInterface(link: number, side: 0 | 1): string {
  return `tun${link}${side === 0 ? 'a' : 'b'}`
}

/**
 * Puts addresses on the interfaces of a chain of tunnels, brings them up and routes along the chain. The
 * interfaces must exist. Returns the address of the last host.
 */
export async function addressChain(
  lab: Lab,
  { mtuBytes, addressed = false }: { readonly mtuBytes: number; readonly addressed?: boolean },
): Promise<string> {
  for (const [link] of lab.links.entries()) {
    for (const side of [0, 1] as const) {
      const host = lab.hosts[link + side]!
      const device = chainInterface(link, side)
      await lab.until(`${device} on ${host}`, async () => {
        return (await lab.run(host, ['ip', 'link', 'show', device], { allowFailure: true })).exitCode === 0
      })
      if (!addressed)
        await lab.run(host, ['ip', 'address', 'add', `${chainAddress(link, side)}/30`, 'dev', device])
      await lab.run(host, ['ip', 'link', 'set', device, 'up', 'mtu', String(mtuBytes), 'txqueuelen', '1000'])
    }
  }
  for (const [at, host] of lab.hosts.entries()) {
    if (at > 0 && at < lab.hosts.length - 1)
      await lab.run(host, ['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1'])
    for (const [link] of lab.links.entries()) {
      if (link === at || link === at - 1) continue
      const via = link > at ? chainAddress(at, 1) : chainAddress(at - 1, 0)
      await lab.run(host, ['ip', 'route', 'replace', `172.30.${link}.0/30`, 'via', via])
    }
  }
  return chainAddress(lab.links.length - 1, 1)
}
