import type { RecordId } from '@x0t/dao'

/** A lasting decision: a value that holds until another vote changes it. */
export interface Decision {
  readonly proposal: RecordId
  /** Index into the proposal's actions. */
  readonly action: number
  readonly kind: 'policy' | 'config'
  /** `thresholds.loss_percent`, `plans.link-dead`, `probe.misses`. */
  readonly key: string
  readonly value: string | number | readonly string[]
}
