import type { Counters, Log } from '@x0t/core'
import type { CloseReason } from './close-reason.ts'

/** A connection that this side refused. */
export interface Refusal {
  readonly reason: CloseReason
  readonly direction: 'inbound' | 'outbound'
  readonly address: string
  readonly detail?: string
  readonly nodeId?: string
}

export type ReportRefusal = (refusal: Refusal) => void

/** Counts and logs refusals. What strangers cause is logged at debug, as they could fill the log. */
export function refusalReporter(log: Log, counters: Counters): ReportRefusal {
  return (refusal) => {
    counters.count('connections_refused_total', { reason: refusal.reason })
    if (refusal.nodeId === undefined && refusal.direction === 'inbound')
      log.debug('connection-refused', { ...refusal })
    else log.warn('connection-refused', { ...refusal })
  }
}
