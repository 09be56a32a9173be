import { messageOf } from '@x0t/core'
import { openClient } from '@x0t/local-api'
import type { ProbedHost } from './soak-probe.ts'

/**
 * Why pairs do not reach each other, as the nodes at their ends see it: links with carrier, round trip and last reason of
 * going down, sessions with neighbours, and the route to the other end. For whoever looks for the cause afterwards.
 */
export async function diagnose(
  hosts: readonly ProbedHost[],
  pairs: readonly (readonly [ProbedHost, ProbedHost])[],
): Promise<string> {
  const nameOf = new Map(hosts.map(({ nodeId, name }) => [nodeId, name]))
  const lines: string[] = []
  for (const host of new Set(pairs.flat())) {
    const targets = pairs.flatMap(([a, b]) => (a === host ? [b] : b === host ? [a] : []))
    try {
      const client = openClient({ socketPath: host.socketPath, timeoutMs: 5000 })
      const [{ routes }, { peers }, status] = await Promise.all([
        client.meshRoutes(),
        client.peers(),
        client.status(),
      ])
      const links = peers.map(({ name, carrier, rttMs, lossRatio, downReason, sessions }) => {
        const facts = [
          carrier,
          `${rttMs ?? '?'} ms`,
          `loss ${lossRatio ?? '?'}`,
          `sessions ${sessions.length}`,
        ]
        return `${name} (${[...facts, ...(downReason === null ? [] : [`was down: ${downReason}`])].join(', ')})`
      })
      lines.push(
        `${host.name}: up ${Math.round(status.uptimeMs)} ms, ${status.sessions} sessions; links: ${links.join('; ') || 'none'}`,
      )
      for (const target of targets) {
        const route = routes.find(({ destination }) => destination === target.nodeId)
        const path = route?.path.map((id) => nameOf.get(id) ?? id).join(' ')
        lines.push(`${host.name} to ${target.name}: ${path === undefined ? 'no route' : `by ${path}`}`)
      }
    } catch (error) {
      lines.push(`${host.name} does not answer: ${messageOf(error)}`)
    }
  }
  return lines.join('\n')
}
