import { factsOf, type MttrFault } from './fault-names.ts'
import type { StreamMeasure } from './measure-stream.ts'
import type { RunRecord } from './run-record.ts'

export interface RunFacts {
  readonly fault: MttrFault
  readonly hitless: boolean
  readonly forwards: 'kernel' | 'process'
  readonly measure: Pick<StreamMeasure, 'lost' | 'late' | 'recoveryMs' | 'bent'>
  /** What the independent probe saw; undefined if it saw nothing. */
  readonly evidence: string | undefined
  /** The counters show a path while the fault lasts, and it does not pass what the fault hits. */
  readonly avoids: boolean
}

/**
 * How a run ended. An undisturbed system has no recovery time: where nothing was lost although the fault should take
 * packets, that is an error.
 */
export function judgeRun(facts: RunFacts): Pick<RunRecord, 'outcome' | 'reason'> {
  const { fault, hitless, forwards, measure, evidence, avoids } = facts
  // On a busy machine packets are late now and then: only of a fault that delays is that a sign.
  const isDelayed = factsOf(fault).harms === 'delays' && measure.recoveryMs !== 0 && measure.late > 0
  if (measure.lost === 0 && !isDelayed) {
    if (evidence === undefined)
      return { outcome: 'no-outage', reason: 'BENCH_NO_OUTAGE: no outage observed; the probe saw no fault' }
    if (mayPass(fault, hitless, forwards) && (hitless || fault !== 'link-down' || avoids))
      return { outcome: 'undisturbed' }
    if (avoids && !hitless)
      return { outcome: 'invalid', reason: `missed: the stream takes another way; ${evidence}` }
    return { outcome: 'no-outage', reason: `BENCH_NO_OUTAGE: no outage observed; the probe saw: ${evidence}` }
  }
  if (evidence === undefined)
    return { outcome: 'failed', reason: 'BENCH_FAULT_UNSEEN: packets were lost, but the probe saw no fault' }
  if (measure.bent !== undefined) return { outcome: 'invalid', reason: measure.bent }
  if (measure.recoveryMs === undefined)
    return { outcome: 'not-recovered', reason: 'the stream was not back in time' }
  return { outcome: 'recovered' }
}

/** Whether a stream may pass a fault on its path without harm. */
function mayPass(fault: MttrFault, hitless: boolean, forwards: 'kernel' | 'process'): boolean {
  // Nothing is hitless across a partition, and one-way delays count on whichever copy comes first.
  if (hitless) return fault !== 'partition'
  // The kernel forwards on while a routing daemon is stopped.
  if (fault === 'freeze' && forwards === 'kernel') return true
  return factsOf(fault).harms === 'maybe'
}
