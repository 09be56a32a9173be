import { shortNodeId } from '@x0t/core'
import { healthOf } from './node-health.ts'
import type { Runtime } from './runtime.ts'

/** Registers what is read when metrics are scraped. Names as monitoring of the original system knows them. */
export function registerGauges(runtime: Runtime): void {
  const { metrics, links, mesh, sessions, dataPlane, keeper, clock } = runtime
  const seconds = (): number => Math.max(0, clock.wallMs() - runtime.startedAtMs) / 1000
  const up = (): number => links.list().filter(({ isUp }) => isUp).length
  const gauge = (name: string, help: string, read: () => number | undefined): void =>
    metrics.addGauge({ name, help, read })

  gauge('x0tta6bl4_node_uptime_seconds', 'Seconds since the node was started', seconds)
  gauge('x0tta6bl4_mesh_uptime_seconds', 'Seconds since the node was started', seconds)
  gauge('x0tta6bl4_mesh_peers_connected', 'Neighbours whose link is up', up)
  gauge('x0tta6bl4_mesh_peers_count', 'Neighbours known', () => links.list().length)
  gauge(
    'x0tta6bl4_mesh_nodes_active',
    'Members in the map, this node included',
    () => mesh.map().nodes.length,
  )
  gauge('x0tta6bl4_mesh_routing_table_size', 'Members that a route leads to', () => mesh.routes().size)
  gauge('x0tta6bl4_node_health_status', '1 where every component works, else 0', () => {
    const { components, criticalIssues } = healthOf(runtime)
    return Object.values(components).every(Boolean) && criticalIssues.length === 0 ? 1 : 0
  })
  gauge(
    'spiffe_svid_x509_expiry_timestamp_seconds',
    'End of the SVID, seconds since 1970',
    () => keeper.dates().notAfterMs / 1000,
  )
  gauge(
    'x0tta6bl4_mtls_certificate_expiry_seconds',
    'Seconds until the SVID ends; negative after',
    () => (keeper.dates().notAfterMs - clock.wallMs()) / 1000,
  )
  gauge(
    'x0tta6bl4_mtls_certificate_age_seconds',
    'Seconds since the SVID began',
    () => (clock.wallMs() - keeper.dates().notBeforeMs) / 1000,
  )
  gauge('pqc_fallback_enabled', '0: there is no fallback to classical key agreement', () => 0)
  gauge(
    'x0t_sessions',
    'Members with an end-to-end session',
    () => new Set(sessions.list().map(({ sa }) => sa.peer)).size,
  )
  gauge('x0t_resident_memory_bytes', 'Resident memory of the process', () => process.memoryUsage.rss())

  const perPeer = (
    name: string,
    help: string,
    read: (link: ReturnType<typeof links.list>[number]) => number | undefined,
  ): void =>
    metrics.addGauge({
      name,
      help,
      labels: ['peer'],
      read: () =>
        links.list().flatMap((link) => {
          const value = read(link)
          return value === undefined ? [] : [{ labels: { peer: shortNodeId(link.nodeId) }, value }]
        }),
    })
  perPeer('x0tta6bl4_mesh_latency_seconds', 'Round trip to a neighbour', ({ rttMs }) =>
    rttMs === undefined ? undefined : rttMs / 1000,
  )
  perPeer(
    'x0tta6bl4_mesh_packet_loss_ratio',
    'Share of datagrams lost from a neighbour',
    ({ lossRatio }) => lossRatio,
  )
  perPeer(
    'x0t_link_loss_to_ratio',
    'Share of datagrams lost towards a neighbour, as it says',
    ({ lossToRatio }) => lossToRatio,
  )
  const inSeconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000)
  perPeer('x0t_link_jitter_seconds', 'Variation of the way from a neighbour', ({ jitterMs }) =>
    inSeconds(jitterMs),
  )
  perPeer('x0t_link_probe_interval_seconds', 'Interval of the probes to a neighbour', ({ probeIntervalMs }) =>
    inSeconds(probeIntervalMs),
  )
  perPeer(
    'x0t_link_deadline_seconds',
    'Silence after which the link to a neighbour is down',
    ({ deadlineMs }) => inSeconds(deadlineMs),
  )
  gauge(
    'x0t_receiver_nice',
    'Nice value of the thread that probes and receives; 0 where raising it was not permitted',
    () => dataPlane.priority()?.nice,
  )
  gauge(
    'x0t_receiver_realtime',
    '1 if that thread runs before all ordinary ones (SCHED_RR) while it is not busy',
    () => {
      const priority = dataPlane.priority()
      return priority === undefined ? undefined : Number(priority.policy === 'rr')
    },
  )
  metrics.addGauge({
    name: 'x0tta6bl4_mesh_hop_count',
    help: 'Links on the way to a member',
    labels: ['peer'],
    read: () =>
      [...mesh.routes().values()].map(({ destination, hops }) => ({
        labels: { peer: shortNodeId(destination) },
        value: hops,
      })),
  })
  metrics.addTotal({
    name: 'x0tta6bl4_mesh_bandwidth_bytes_total',
    help: 'Bytes carried between this node and a neighbour, headers of the mesh included',
    labels: ['peer', 'direction'],
    read: () =>
      links.list().flatMap(({ nodeId }) => {
        const { txBytes, rxBytes } = dataPlane.traffic(nodeId)
        const peer = shortNodeId(nodeId)
        return [
          { labels: { peer, direction: 'tx' }, value: txBytes },
          { labels: { peer, direction: 'rx' }, value: rxBytes },
        ]
      }),
  })
  metrics.addTotal({
    name: 'x0tta6bl4_mesh_forwarded_messages_total',
    help: 'Datagrams of others that this node passed on',
    read: () => dataPlane.stats().datagramsForwarded,
  })
  metrics.addTotal({
    name: 'x0t_data_plane_total',
    help: 'Counters of the data plane',
    labels: ['counter'],
    read: () => Object.entries(dataPlane.stats()).map(([counter, value]) => ({ labels: { counter }, value })),
  })
}
