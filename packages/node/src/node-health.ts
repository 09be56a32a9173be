import type { HealthFacts } from '@x0t/local-api'
import type { Runtime } from './runtime.ts'

const clockSkewMs = 300_000

/** Whether the parts of the node work, from their own state and not from their being loaded. */
export function healthOf(runtime: Runtime): HealthFacts {
  const { keeper, links, mesh, dataPlane, clock, config } = runtime
  const { notAfterMs } = keeper.dates()
  const nowMs = clock.wallMs()
  const known = mesh.map().nodes.length
  const up = links.list().filter(({ isUp }) => isUp).length
  const wantsTun = config.tunnel.enabled !== false
  const isExpired = notAfterMs < nowMs
  return {
    version: runtime.version,
    components: {
      identity: !isExpired,
      control_plane: runtime.plane() !== undefined,
      // A mesh of one is whole.
      neighbours: up > 0 || known <= 1,
      ...(wantsTun ? { tunnel: dataPlane.tunName !== undefined } : {}),
    },
    dependencies: { node: process.versions.node, openssl: process.versions.openssl ?? 'unknown' },
    criticalIssues: isExpired ? ["this node's certificate has expired and could not be renewed"] : [],
    warnings: [
      ...(known > 1 && up === 0 ? ['no neighbour is in reach'] : []),
      ...(wantsTun && dataPlane.tunName === undefined ? ['no network interface: this node only relays'] : []),
      ...(runtime.startedAtMs - nowMs > clockSkewMs ? ['the clock was set back'] : []),
    ],
  }
}
