import type { BedTools } from '../../bed-tools.ts'
import { loopbackOf, type RoutedLink } from './routed-link.ts'

/**
 * True if every host routes the loopback of every neighbour over their common link: all adjacencies are up.
 * @param protocol as ip names it: `babel` or `bird`
 */
export async function adjacenciesAreUp(
  tools: BedTools,
  protocol: string,
  linksOfHost: (host: string) => readonly RoutedLink[],
): Promise<boolean> {
  const { plan } = tools.bed
  for (const { name } of plan.hosts) {
    const { stdout } = await tools.run(name, ['ip', '-4', 'route', 'show', 'proto', protocol])
    const direct = linksOfHost(name).map(
      (link) => `${loopbackOf(plan, link.neighbour)} via ${link.otherIpv4} dev ${link.interface} `,
    )
    if (!direct.every((route) => stdout.includes(route))) return false
  }
  return true
}

/** True if every link of the plan carries an established TCP connection from or to the port of a mesh VPN. */
export async function connectionsAreUp(tools: BedTools, port: number): Promise<boolean> {
  const { plan } = tools.bed
  const connected = new Set<string>()
  for (const { name } of plan.hosts) {
    const filter = ['state', 'established', `( sport = :${port} or dport = :${port} )`]
    const { stdout } = await tools.run(name, ['ss', '-Htn', ...filter])
    for (const pair of tcpPairs(stdout)) connected.add(pair)
  }
  return plan.links.every(
    ({ a, b }) => connected.has(`${a.ipv4} ${b.ipv4}`) && connected.has(`${b.ipv4} ${a.ipv4}`),
  )
}

/**
 * Own and other IPv4 address of every connection that `ss -Htn` lists, as `own other`. A program that listens for both
 * families has them as [::ffff:10.0.0.1].
 */
export function tcpPairs(listed: string): readonly string[] {
  const end = String.raw`(?:\[::ffff:)?(\d+\.\d+\.\d+\.\d+)\]?:\d+`
  return Array.from(
    listed.matchAll(new RegExp(`${end}\\s+${end}`, 'g')),
    ([, own, other]) => `${own!} ${other!}`,
  )
}
