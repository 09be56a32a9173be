import { X0tError } from '@x0t/core'
import { z } from 'zod'

/** Hosts and the links between them, without addresses. */
export interface Topology {
  readonly hosts: readonly string[]
  readonly links: readonly TopologyLink[]
}

/** An undirected link; `mtuBytes` is 1500 where absent. */
export interface TopologyLink {
  readonly a: string
  readonly b: string
  readonly mtuBytes?: number
}

/** Most hosts of a testbed: one machine does not hold more real nodes. */
export const maxHosts = 500

/** Interfaces are called `to-<host>` and hold at most 15 characters; no hyphen, as `link:a-b` splits there. */
export const hostNamePattern = /^[a-z][a-z0-9]{0,11}$/

const linkSchema = z.union([
  z.tuple([z.string(), z.string()]).transform(([a, b]): TopologyLink => ({ a, b })),
  z
    .strictObject({ a: z.string(), b: z.string(), mtuBytes: z.int().min(576).max(65_535).optional() })
    .transform(({ a, b, mtuBytes }): TopologyLink =>
      mtuBytes === undefined ? { a, b } : { a, b, mtuBytes },
    ),
])

const topologySchema = z.strictObject({
  hosts: z.array(z.string()).max(maxHosts).optional(),
  links: z.array(linkSchema).max(20_000),
})

/**
 * A topology from a parsed JSON file: `{"links": [["a", "b"], {"a": "b", "b": "c", "mtuBytes": 9000}]}`, and
 * `hosts` to fix the order of the hosts (the first makes the mesh) or to name hosts without links.
 * @throws X0tError TESTBED_TOPOLOGY_INVALID
 */
export function parseTopology(document: unknown): Topology {
  const parsed = topologySchema.safeParse(document)
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error))
  const { links } = parsed.data
  const listed = parsed.data.hosts ?? []
  const further = new Set(links.flatMap(({ a, b }) => [a, b])).difference(new Set(listed))
  const hosts = [...listed, ...further]
  return checkTopology({ hosts, links })
}

/**
 * The topology, if its names are valid, every host is there once, and no two hosts have two links.
 * @throws X0tError TESTBED_TOPOLOGY_INVALID
 */
export function checkTopology(topology: Topology): Topology {
  const { hosts, links } = topology
  if (hosts.length === 0 || hosts.length > maxHosts)
    throw invalid(`${hosts.length} hosts; 1 to ${maxHosts} are allowed`)
  for (const host of hosts)
    if (!hostNamePattern.test(host))
      throw invalid(
        `host ${JSON.stringify(host)}: a name is a letter and up to 11 letters and digits, lower case`,
      )
  const known = new Set(hosts)
  if (known.size !== hosts.length) throw invalid('a host is listed twice')
  const seen = new Set<string>()
  for (const { a, b } of links) {
    for (const host of [a, b])
      if (!known.has(host)) throw invalid(`link ${a}-${b} names the unknown host ${host}`)
    if (a === b) throw invalid(`link ${a}-${b} leads from a host to itself`)
    const key = [a, b].toSorted().join('-')
    if (seen.has(key)) throw invalid(`two links between ${a} and ${b}`)
    seen.add(key)
  }
  return topology
}

/** Neighbours of every host, in the order of the links. */
export function neighboursOf(topology: Topology): ReadonlyMap<string, readonly string[]> {
  const neighbours = new Map<string, string[]>(topology.hosts.map((host) => [host, []]))
  for (const { a, b } of topology.links) {
    neighbours.get(a)!.push(b)
    neighbours.get(b)!.push(a)
  }
  return neighbours
}

/**
 * Hosts in breadth-first order from the first one, each with the neighbour it was reached through; hosts that
 * cannot be reached come last, without one.
 */
export function breadthFirst(
  topology: Topology,
): readonly { readonly host: string; readonly via?: string }[] {
  const neighbours = neighboursOf(topology)
  const order: { host: string; via?: string }[] = [{ host: topology.hosts[0]! }]
  const reached = new Set([topology.hosts[0]!])
  for (const { host } of order) {
    for (const next of neighbours.get(host)!) {
      if (reached.has(next)) continue
      reached.add(next)
      order.push({ host: next, via: host })
    }
  }
  for (const host of topology.hosts) if (!reached.has(host)) order.push({ host })
  return order
}

function invalid(problem: string): X0tError {
  return new X0tError('TESTBED_TOPOLOGY_INVALID', problem, {
    exitCode: 2,
    hint: 'a topology file looks like {"links": [["a", "b"], ["b", "c"]]}',
  })
}
