import type { Knowledge, LoopAction } from '@x0t/mape-k'
import type { Metrics } from '../metrics.ts'

const prefix = 'x0tta6bl4_'
/** Seconds, from a millisecond to an hour. */
const recoveryBuckets = [0.001, 0.003, 0.01, 0.02, 0.04, 0.08, 0.25, 1, 2, 5, 20, 60, 300, 3600]

/** Feeds the metrics of healing under the names that monitoring of the original system knows. */
export interface HealingMetrics {
  /** One pass of the loop took so long. */
  cycle(seconds: number): void
  action(action: LoopAction): void
}

export function createHealingMetrics(metrics: Metrics, knowledge: Pick<Knowledge, 'size'>): HealingMetrics {
  metrics.addGauge({
    name: `${prefix}mapek_knowledge_base_size_entries`,
    help: 'Incidents that the healing loop remembers',
    read: () => knowledge.size(),
  })
  const observe = (name: string, help: string, seconds: number): void =>
    metrics.observe(name, seconds, { help, buckets: recoveryBuckets })
  return {
    cycle(seconds) {
      metrics.count('mapek_cycles_total')
      observe(
        `${prefix}mapek_cycle_duration_seconds`,
        'Time that one pass of the healing loop takes',
        seconds,
      )
    },
    action(action) {
      if (action.type === 'safe-mode') metrics.count('self_healing_events_total', { event: 'safe-mode' })
      if (action.type !== 'event') return
      const { name, incident } = action
      metrics.count('self_healing_events_total', { event: name.replace('healing.', '') })
      const last = incident.attempts.at(-1)
      const acted = (result: string): void =>
        metrics.count('mapek_recovery_actions_total', { action: last?.action ?? 'no-action', result })
      switch (name) {
        case 'healing.detected':
          metrics.count('mapek_anomalies_detected_total', { type: incident.diagnosis })
          if (incident.lastGoodAgoMs !== null)
            observe(
              'mesh_mttd_seconds',
              'Time from the last good probe to the alarm',
              incident.lastGoodAgoMs / 1000,
            )
          return
        case 'healing.not-executed':
          return acted('not-done')
        case 'healing.failed':
          return acted('failed')
        case 'healing.verified':
          return acted('verified')
        case 'healing.closed':
          if (incident.recoveredAfterMs === null) return
          metrics.count('mesh_recovery_total', { outcome: incident.outcome })
          return observe(
            `${prefix}self_healing_mttr_seconds`,
            'Time from the last good probe, or else from the alarm, until all sensors were well',
            ((incident.lastGoodAgoMs ?? 0) + incident.recoveredAfterMs) / 1000,
          )
        default:
      }
    },
  }
}
