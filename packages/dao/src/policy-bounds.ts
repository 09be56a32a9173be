import {
  policyNumbers,
  type ActionName,
  type DiagnosisKind,
  type NumberKey,
  type PolicyNumber,
} from '@x0t/mape-k'

interface Bounds {
  readonly from?: number
  readonly to?: number
}

/**
 * Where a vote may do less than a policy file: what brings lost nodes back stays possible and timely on every node, and
 * what keeps nodes out stays rare and sure (docs/decisions/0008).
 */
const tighter: Readonly<Partial<Record<NumberKey, Bounds>>> = {
  'thresholds.certificate_left_percent': { from: 5 },
  'limits.check_interval_s': { to: 300 },
  'limits.cooldown_s': { to: 600 },
  'limits.retry_after_s': { to: 3600 },
  'limits.breaker_failures': { from: 3 },
  'limits.breaker_open_s': { to: 3600 },
  'actions.redial.per_minute': { from: 1 },
  'actions.redial.after_ms': { to: 60_000 },
  'actions.redial.min_confidence': { to: 0.8 },
  'actions.renew-svid.per_minute': { from: 1 },
  'actions.renew-svid.after_ms': { to: 60_000 },
  'actions.renew-svid.min_confidence': { to: 0.8 },
  'actions.quarantine-neighbour.per_minute': { to: 1 },
  'actions.quarantine-neighbour.min_confidence': { from: 0.5 },
}

/** The bounds of a vote on a number of the healing policy; undefined if there is no such number. */
export function policyBounds(
  key: string,
): (Pick<PolicyNumber, 'from' | 'to' | 'unit'> & { readonly key: NumberKey }) | undefined {
  if (!Object.hasOwn(policyNumbers, key)) return undefined
  const known = key as NumberKey
  const { from, to, unit } = policyNumbers[known]
  const bounds = tighter[known]
  return {
    key: known,
    from: Math.max(from, bounds?.from ?? from),
    to: Math.min(to, bounds?.to ?? to),
    unit,
  }
}

/** Actions that a plan must hold whatever is voted: without them a node that was cut off would not come back. */
export const neededActions: Readonly<Partial<Record<DiagnosisKind, ActionName>>> = {
  'certificate-expired': 'renew-svid',
  'certificate-expiring': 'renew-svid',
  partition: 'redial',
  'relay-dead': 'redial',
  'link-dead': 'redial',
  'control-lost': 'redial',
  'member-unreachable': 'redial',
}

/** The only diagnosis for which a vote may let a neighbour be kept out: there a quorum of others has to agree. */
export const quarantineDiagnosis: DiagnosisKind = 'path-eaten'
