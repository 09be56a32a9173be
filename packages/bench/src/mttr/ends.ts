import { breadthFirst, neighboursOf, type Topology } from '@x0t/testbed'

/** Two hosts as far apart as can be: the first host and the one that a breadth-first search reaches last. */
export function oppositeEnds(topology: Topology): { readonly source: string; readonly destination: string } {
  const source = topology.hosts[0]!
  const neighbours = neighboursOf(topology)
  const distance = new Map([[source, 0]])
  for (const { host, via } of breadthFirst(topology)) {
    if (via !== undefined) distance.set(host, distance.get(via)! + 1)
  }
  let destination = source
  for (const [host, hops] of distance)
    if (hops > distance.get(destination)! && neighbours.get(host)!.length > 0) destination = host
  return { source, destination }
}

/**
 * The topology with a host more, the first one, behind the source: the first host of a mesh of x0t holds the authority, and
 * a fault that stops the authority shall stop no path.
 */
export function withAuthorityApart({ hosts, links }: Topology): Topology {
  return { hosts: ['authority', ...hosts], links: [{ a: 'authority', b: hosts[0]! }, ...links] }
}
