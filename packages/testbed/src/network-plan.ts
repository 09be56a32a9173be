import { X0tError } from '@x0t/core'
import { checkCables, middleNamespace } from './cables/cable-plan.ts'
import { checkTopology, type Topology } from './topology.ts'

/** Everything that will be made in the kernel for one testbed, before any of it exists. */
export interface NetworkPlan {
  readonly bed: string
  readonly hosts: readonly PlannedHost[]
  readonly links: readonly PlannedLink[]
  /** True if the kernels forward along shortest paths: control group without a mesh. */
  readonly forward: boolean
  readonly cables: CableKind
}

/**
 * What joins two hosts. `veth`: one pair, and rules on the hosts break it. `bpf`: a pair on each side and a program
 * between them, which breaks it at once and beneath everything that the hosts do, XDP included.
 */
export type CableKind = 'veth' | 'bpf'

export interface PlannedHost {
  readonly name: string
  readonly namespace: string
}

export interface PlannedLink {
  readonly a: LinkEnd
  readonly b: LinkEnd
  readonly mtuBytes: number
}

/** The end of a link at a host. Addresses are without prefix length: 30 for IPv4, 64 for IPv6. */
export interface LinkEnd {
  readonly host: string
  readonly namespace: string
  readonly interface: string
  readonly index: number
  readonly ipv4: string
  readonly ipv6: string
}

const bedNamePattern = /^[a-z][a-z0-9]{0,15}$/

/**
 * First ifindex of the veths. The two ends of a pair must differ, and the kernel numbers each namespace from
 * one: with equal indexes carrier loss may be reported up to a second late (linkwatch).
 */
const firstIndex = 1000

/**
 * Names, interface indexes and addresses for a topology. Each link is a subnet of its own, 10.x.x.x/30 and
 * fd00:0:0:n::/64, so that a host has real addresses on its links and nowhere else.
 * @throws X0tError TESTBED_NAME_INVALID, TESTBED_TOPOLOGY_INVALID
 */
export function planNetwork(
  bed: string,
  topology: Topology,
  { forward = false, cables = 'veth' }: { readonly forward?: boolean; readonly cables?: CableKind } = {},
): NetworkPlan {
  if (!bedNamePattern.test(bed)) {
    throw new X0tError('TESTBED_NAME_INVALID', `${JSON.stringify(bed.slice(0, 40))} cannot name a testbed`, {
      exitCode: 2,
      hint: 'a name is a letter and up to 15 letters and digits, lower case',
    })
  }
  checkTopology(topology)
  if (cables === 'bpf') checkCables(topology)
  const namespace = (host: string): string => `x0t-${bed}-${host}`
  const links = topology.links.map(({ a, b, mtuBytes = 1500 }, at): PlannedLink => {
    const end = (host: string, other: string, side: 0 | 1): LinkEnd => ({
      host,
      namespace: namespace(host),
      interface: `to-${other}`,
      index: firstIndex + 2 * at + side,
      ipv4: ipv4Of(at, side),
      ipv6: `fd00:0:0:${(at + 1).toString(16)}::${side + 1}`,
    })
    return { a: end(a, b, 0), b: end(b, a, 1), mtuBytes }
  })
  const hosts = topology.hosts.map((name) => ({ name, namespace: namespace(name) }))
  return { bed, hosts, links, forward, cables }
}

/** All namespaces of a plan: those of the hosts, and the middle of cables with a program. */
export function namespacesOf(plan: NetworkPlan): readonly string[] {
  const hosts = plan.hosts.map(({ namespace }) => namespace)
  return plan.cables === 'bpf' ? [...hosts, middleNamespace(plan)] : hosts
}

/** The ends of the links of `host`, each with the opposite end. */
export function linksOf(
  plan: NetworkPlan,
  host: string,
): readonly { readonly own: LinkEnd; readonly other: LinkEnd }[] {
  return plan.links.flatMap(({ a, b }) => {
    if (a.host === host) return [{ own: a, other: b }]
    return b.host === host ? [{ own: b, other: a }] : []
  })
}

/** The link between two hosts, whichever is named first. @throws X0tError TESTBED_LINK_UNKNOWN */
export function linkBetween(plan: NetworkPlan, first: string, second: string): PlannedLink {
  const link = plan.links.find(
    ({ a, b }) => (a.host === first && b.host === second) || (a.host === second && b.host === first),
  )
  if (link === undefined)
    throw new X0tError('TESTBED_LINK_UNKNOWN', `${first} and ${second} have no link`, { exitCode: 2 })
  return link
}

/** @throws X0tError TESTBED_HOST_UNKNOWN */
export function plannedHost(plan: NetworkPlan, name: string): PlannedHost {
  const host = plan.hosts.find((one) => one.name === name)
  if (host === undefined) {
    const names = plan.hosts.map((one) => one.name).join(' ')
    throw new X0tError(
      'TESTBED_HOST_UNKNOWN',
      `no host ${JSON.stringify(name.slice(0, 40))}; there are ${names}`,
      {
        exitCode: 2,
      },
    )
  }
  return host
}

/** Topology that a plan was made for. */
export function topologyOf(plan: NetworkPlan): Topology {
  return {
    hosts: plan.hosts.map((host) => host.name),
    links: plan.links.map(({ a, b, mtuBytes }) => ({ a: a.host, b: b.host, mtuBytes })),
  }
}

/** Subnet n is 10.0.0.0 + 4n: 1 and 2 of its four addresses are hosts. */
function ipv4Of(link: number, side: 0 | 1): string {
  const offset = 4 * link + 1 + side
  return `10.${(offset >> 16) & 255}.${(offset >> 8) & 255}.${offset & 255}`
}
