import { X0tError } from '@x0t/core'
import type { LinkEnd, NetworkPlan } from '../network-plan.ts'
import type { Topology } from '../topology.ts'

/** FAULT_MAX_CABLES of bpf/fault.h. */
export const maxCables = 4096

/** Name of the namespace in the middle, among those of the hosts. */
const middleName = 'cables'

/** A link as a cable with a program in its middle: host, veth, middle, veth, host. */
export interface Cable {
  /** Its entry in the switch. */
  readonly number: number
  /** `a-b`, as the link is called. */
  readonly name: string
  readonly sides: readonly [CableSide, CableSide]
  readonly mtuBytes: number
}

/** One side of a cable: where a packet of this host comes in. */
export interface CableSide {
  readonly host: LinkEnd
  /** The end in the middle namespace; its index is what bpf/fault.h asks for. */
  readonly interface: string
  readonly index: number
}

/** The namespace that holds the middle of all cables of a testbed. */
export function middleNamespace({ bed }: Pick<NetworkPlan, 'bed'>): string {
  return `x0t-${bed}-${middleName}`
}

/** The cables of a plan, in the order of its links. */
export function cablesOf({ links }: Pick<NetworkPlan, 'links'>): readonly Cable[] {
  return links.map(({ a, b, mtuBytes }, number) => {
    const side = (host: LinkEnd, at: 0 | 1): CableSide => {
      const index = 2 * number + 2 + at
      return { host, interface: `cable${index}`, index }
    }
    return { number, name: `${a.host}-${b.host}`, sides: [side(a, 0), side(b, 1)], mtuBytes }
  })
}

/**
 * The cable between two hosts, and the side of the first.
 * @throws TypeError if there is none: targets of faults are checked before
 */
export function cableBetween(
  plan: Pick<NetworkPlan, 'links'>,
  from: string,
  to: string,
): { readonly cable: Cable; readonly side: 0 | 1 } {
  for (const cable of cablesOf(plan)) {
    const [first, second] = cable.sides.map(({ host }) => host.host)
    if (first === from && second === to) return { cable, side: 0 }
    if (first === to && second === from) return { cable, side: 1 }
  }
  throw new TypeError(`no cable between ${from} and ${to}`)
}

/** @throws X0tError TESTBED_TOPOLOGY_INVALID */
export function checkCables({ hosts, links }: Topology): void {
  const problem =
    links.length > maxCables
      ? `${links.length} links; with cables of bpf ${maxCables} are allowed`
      : hosts.includes(middleName)
        ? `a host is called ${middleName}, as the namespace in the middle of all cables is`
        : undefined
  if (problem !== undefined)
    throw new X0tError('TESTBED_TOPOLOGY_INVALID', problem, { exitCode: 2, hint: '--cables veth' })
}
