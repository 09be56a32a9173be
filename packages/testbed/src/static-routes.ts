import type { NetworkPlan } from './network-plan.ts'
import { linksOf } from './network-plan.ts'

/** Route of one host towards the subnet of a link that is not its own. */
export interface StaticRoute {
  readonly host: string
  readonly ipv4Subnet: string
  readonly ipv4Via: string
  readonly ipv6Subnet: string
  readonly ipv6Via: string
}

/** Shortest-path routes from every host to the subnet of every link, ties broken by the order of the links. */
export function staticRoutes(plan: NetworkPlan): readonly StaticRoute[] {
  return plan.hosts.flatMap(({ name }) => {
    const firstHop = firstHopsFrom(plan, name)
    return plan.links.flatMap((link): StaticRoute[] => {
      if (link.a.host === name || link.b.host === name) return []
      const nearest = [link.a, link.b]
        .flatMap((end) => {
          const hop = firstHop.get(end.host)
          return hop === undefined ? [] : [hop]
        })
        .toSorted((one, two) => one.distance - two.distance)[0]
      if (nearest === undefined) return []
      const ipv6 = link.a.ipv6
      return [
        {
          host: name,
          ipv4Subnet: subnetOf(link.a.ipv4),
          ipv4Via: nearest.ipv4,
          ipv6Subnet: `${ipv6.slice(0, ipv6.lastIndexOf('::'))}::/64`,
          ipv6Via: nearest.ipv6,
        },
      ]
    })
  })
}

interface FirstHop {
  readonly ipv4: string
  readonly ipv6: string
  readonly distance: number
}

/** Address of the neighbour through which each other host is reached, by breadth-first search. */
function firstHopsFrom(plan: NetworkPlan, source: string): ReadonlyMap<string, FirstHop> {
  const hops = new Map<string, FirstHop>()
  const queue: string[] = [source]
  for (const host of queue) {
    for (const { other } of linksOf(plan, host)) {
      if (other.host === source || hops.has(other.host)) continue
      const before = hops.get(host)
      hops.set(other.host, {
        ipv4: before?.ipv4 ?? other.ipv4,
        ipv6: before?.ipv6 ?? other.ipv6,
        distance: (before?.distance ?? 0) + 1,
      })
      queue.push(other.host)
    }
  }
  return hops
}

function subnetOf(ipv4: string): string {
  const octets = ipv4.split('.').map(Number)
  octets[3] = octets[3]! & 252
  return `${octets.join('.')}/30`
}
