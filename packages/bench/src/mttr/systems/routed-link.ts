import { linksOf, topologyOf, type NetworkPlan } from '@x0t/testbed'
import { numberedAddress } from '../../overlays/prepared-hosts.ts'
import { oppositeEnds } from '../ends.ts'

/** A link of a host as its routing daemon sees it. */
export interface RoutedLink {
  /** The host at the other end. */
  readonly neighbour: string
  readonly interface: string
  /** Addresses of the two ends within the link. */
  readonly ownIpv4: string
  readonly otherIpv4: string
  /** Metric of the link, the same in both directions. */
  readonly cost: number
}

/** Network of the addresses by which routed hosts are reached over all their paths. */
export const loopbackNetwork = '172.31.0.0/16'

/** Address of a host that belongs to none of its links: it lies on the loopback and is what daemons announce. */
export function loopbackOf(plan: NetworkPlan, host: string): string {
  return numberedAddress('172.31', indexOf(plan, host))
}

/** Place of a host in the plan, from 0. */
export function indexOf(plan: NetworkPlan, host: string): number {
  return plan.hosts.findIndex(({ name }) => name === host)
}

/** The veth links of a host. */
export function vethLinks(plan: NetworkPlan, host: string): readonly RoutedLink[] {
  return linksOf(plan, host).map(({ own, other }) => ({
    neighbour: other.host,
    interface: own.interface,
    ownIpv4: own.ipv4,
    otherIpv4: other.ipv4,
    cost: linkCost(plan, host, other.host),
  }))
}

/**
 * Metric of a link: a little less along one shortest path of the stream than elsewhere, so that
 * one of equal paths is the best, and the other stays feasible in the sense of Babel (RFC 8966, 3.5.1): what a
 * neighbour off the path announces is less than the distance of the source over it.
 */
export function linkCost(plan: NetworkPlan, one: string, other: string): number {
  const path = streamPath(plan)
  const isOnPath = path.some((host, at) => {
    const next = path[at + 1]
    return (host === one && next === other) || (host === other && next === one)
  })
  return isOnPath ? 96 : 100
}

/** Hosts of a shortest path of the stream, breadth first in the order of the links; its source alone without one. */
export function streamPath(plan: NetworkPlan): readonly string[] {
  const { source, destination } = oppositeEnds(topologyOf(plan))
  const paths = new Map<string, readonly string[]>([[source, [source]]])
  for (const [host, path] of paths) {
    if (host === destination) return path
    for (const { other } of linksOf(plan, host))
      if (!paths.has(other.host)) paths.set(other.host, [...path, other.host])
  }
  return [source]
}
