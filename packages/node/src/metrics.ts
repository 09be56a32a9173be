import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Counters } from '@x0t/core'

/** A value read when metrics are scraped; absent (`undefined`) where there is nothing to measure. */
export interface GaugeSource {
  readonly name: string
  readonly help: string
  /** Names of the labels that `read` gives; none by default. */
  readonly labels?: readonly string[]
  /** One value, or one for each set of labels. */
  readonly read: () => number | undefined | readonly LabelledValue[]
}

export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Metrics extends Counters {
  /** Registers values that are read at each scrape. */
  addGauge(source: GaugeSource): void
  /** As {@link addGauge}, for values that only grow. */
  addTotal(source: GaugeSource): void
  /** Adds `seconds` to a histogram of durations; help and bounds of its buckets (s) count at the first time. */
  observe(
    name: string,
    seconds: number,
    about?: { readonly help: string; readonly buckets: readonly number[] },
  ): void
  /** All counters so far, by name; sums over labels. */
  totals(): Promise<Record<string, number>>
  /** Adds metrics that are made elsewhere, as text, read at each scrape. Their names must not be among the others. */
  addText(read: () => Promise<string>): void
  /** The text format of Prometheus 0.0.4. */
  text(): Promise<string>
}

/** Help texts and full names of what packages count: `mesh_route_refresh_total` becomes what stands here. */
const known: Readonly<Record<string, { readonly name: string; readonly help: string }>> = {
  pqc_handshake_success_total: {
    name: 'pqc_handshake_success_total',
    help: 'Post-quantum handshakes that succeeded',
  },
  pqc_handshake_failure_total: {
    name: 'pqc_handshake_failure_total',
    help: 'Post-quantum handshakes that failed, by reason',
  },
  pqc_key_rotation_success_total: {
    name: 'pqc_key_rotation_success_total',
    help: 'Renewals of end-to-end session keys',
  },
  pqc_key_rotation_failure_total: {
    name: 'pqc_key_rotation_failure_total',
    help: 'Renewals of session keys that failed',
  },
  connections_refused_total: {
    name: 'x0t_connections_refused_total',
    help: 'Connections of would-be neighbours refused, by reason',
  },
  records_refused_total: {
    name: 'x0t_records_refused_total',
    help: 'Member and ban records refused, by reason',
  },
  path_suspicions_total: {
    name: 'x0t_path_suspicions_total',
    help: 'Times that packets to a member were found not to arrive through a living neighbour',
  },
  path_suspicions_cleared_total: {
    name: 'x0t_path_suspicions_cleared_total',
    help: 'Times that packets to a member went the ordinary way again, by reason',
  },
  svid_issuance_total: {
    name: 'x0tta6bl4_spiffe_svid_issuance_total',
    help: 'SVIDs issued by this authority',
  },
  svid_renewal_total: { name: 'x0tta6bl4_spiffe_svid_renewal_total', help: "Renewals of this node's SVID" },
  certificate_rotations_total: {
    name: 'x0tta6bl4_mtls_certificate_rotations_total',
    help: 'Certificates taken into use',
  },
  certificate_validation_failures_total: {
    name: 'x0tta6bl4_mtls_certificate_validation_failures_total',
    help: 'Certificates of peers that were refused, by reason',
  },
  connections_total: {
    name: 'x0tta6bl4_mesh_connections_total',
    help: 'Neighbour connections made, by direction',
  },
  mapek_cycles_total: { name: 'x0tta6bl4_mapek_cycles_total', help: 'Passes of the healing loop' },
  mapek_anomalies_detected_total: {
    name: 'x0tta6bl4_mapek_anomalies_detected_total',
    help: 'Incidents opened, by diagnosis',
  },
  mapek_recovery_actions_total: {
    name: 'x0tta6bl4_mapek_recovery_actions_total',
    help: 'Actions of the healing loop, by action and by what came of them',
  },
  self_healing_events_total: {
    name: 'x0tta6bl4_self_healing_events_total',
    help: 'Events of the healing loop, by kind',
  },
  mesh_recovery_total: {
    name: 'x0tta6bl4_mesh_recovery_total',
    help: 'Incidents after which all sensors were well again, by outcome',
  },
  route_refresh_total: {
    name: 'x0tta6bl4_mesh_route_refresh_total',
    help: 'Recomputations of the route table that changed it',
  },
}

const handshakeBuckets = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Metrics of one node, in a registry of their own: two nodes in one process do not mix. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const counters = new Map<string, Counter>()
  const histograms = new Map<string, Histogram>()
  const texts: (() => Promise<string>)[] = []
  return {
    count(name, labels = {}, by = 1) {
      let counter = counters.get(name)
      if (counter === undefined) {
        const { name: fullName, help } = known[name] ?? {
          name: `x0t_${name}`,
          help: name.replaceAll('_', ' '),
        }
        counter = new Counter({
          name: fullName,
          help,
          labelNames: Object.keys(labels),
          registers: [registry],
        })
        counters.set(name, counter)
      }
      counter.inc(labels, by)
    },
    addGauge({ name, help, labels = [], read }) {
      void new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        collect() {
          const value = read()
          this.reset()
          if (value === undefined) {
            // With labels nothing is left after a reset, without them a zero.
            if (labels.length === 0) this.remove()
          } else if (typeof value === 'number') this.set(value)
          else for (const entry of value) this.set({ ...entry.labels }, entry.value)
        },
      })
    },
    addTotal({ name, help, labels = [], read }) {
      void new Counter({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        collect() {
          const value = read()
          this.reset()
          if (typeof value === 'number') this.inc(value)
          else if (value !== undefined) for (const entry of value) this.inc({ ...entry.labels }, entry.value)
        },
      })
    },
    observe(name, seconds, about) {
      let histogram = histograms.get(name)
      if (histogram === undefined) {
        histogram = new Histogram({
          name,
          help: about?.help ?? name.replaceAll('_', ' '),
          buckets: [...(about?.buckets ?? handshakeBuckets)],
          registers: [registry],
        })
        histograms.set(name, histogram)
      }
      histogram.observe(seconds)
    },
    async totals() {
      const sums: Record<string, number> = {}
      for (const [name, counter] of counters) {
        const { values } = await counter.get()
        sums[name] = values.reduce((sum, { value }) => sum + value, 0)
      }
      return sums
    },
    addText: (read) => void texts.push(read),
    async text() {
      const parts = await Promise.all([registry.metrics(), ...texts.map((read) => read())])
      return parts.join('')
    },
  }
}
