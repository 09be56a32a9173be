import { messageOf } from '@x0t/core'
import { openClient } from '@x0t/local-api'
import type { Bed } from '@x0t/testbed'

/** A host of the testbed whose node is to be asked. */
export interface ProbedHost {
  readonly name: string
  readonly namespace: string
  readonly overlayAddress: string
  readonly nodeId: string
  readonly socketPath: string
}

/**
 * What is wrong with the routes of the nodes, by their own tables: a member missing, a path over a link that does not
 * exist, a path that visits a node twice. Empty where all is right.
 */
export async function wrongRoutes(bed: Bed, hosts: readonly ProbedHost[]): Promise<readonly string[]> {
  const nameOf = new Map(hosts.map(({ nodeId, name }) => [nodeId, name]))
  const links = new Set(bed.plan.links.flatMap(({ a, b }) => [`${a.host} ${b.host}`, `${b.host} ${a.host}`]))
  const wrong: string[] = []
  for (const host of hosts) {
    try {
      const { routes } = await openClient({ socketPath: host.socketPath, timeoutMs: 5000 }).meshRoutes()
      const reached = new Set(routes.map(({ destination }) => destination as string))
      for (const other of hosts)
        if (other !== host && !reached.has(other.nodeId))
          wrong.push(`${host.name} has no route to ${other.name}`)
      for (const { path } of routes) {
        const names = [host.name, ...path.map((id) => nameOf.get(id) ?? id)]
        if (new Set(names).size !== names.length) wrong.push(`${host.name} has a loop: ${names.join(' ')}`)
        for (const [index, name] of names.entries()) {
          const next = names[index + 1]
          if (next !== undefined && !links.has(`${name} ${next}`))
            wrong.push(`${host.name} routes over ${name}-${next}`)
        }
      }
    } catch (error) {
      wrong.push(`${host.name} does not answer: ${messageOf(error)}`)
    }
  }
  return wrong
}
