import { X0tError } from '@x0t/core'
import { actionNames, type ActionName } from './actions.ts'
import { diagnosisKinds, type DiagnosisKind } from './diagnosis.ts'
import { numberKeys, policyNumbers, type NumberKey, type PolicyNumber } from './policy-numbers.ts'

/** Who set a value. A vote stands above a file. */
export type Origin = 'default' | 'file' | 'vote'

export interface Chosen<T> {
  readonly value: T
  readonly origin: Origin
  /** Of a vote: the proposal that was decided. */
  readonly proposal?: string
}

/** What the loop may do, and when; data, so that a file or a vote can change it. */
export interface Policy {
  readonly numbers: Readonly<Record<NumberKey, Chosen<number>>>
  /** Actions for each diagnosis, the preferred one first; experience may change the order. Empty: observe only. */
  readonly plans: Readonly<Record<DiagnosisKind, Chosen<readonly ActionName[]>>>
}

const plans: Readonly<Record<DiagnosisKind, readonly ActionName[]>> = {
  'subsystem-failed': ['restart-subsystem'],
  'bad-configuration': ['rollback-config'],
  overload: [],
  'clock-jump': ['renew-svid'],
  'disk-full': [],
  'certificate-expired': ['renew-svid', 'redial'],
  'certificate-expiring': ['renew-svid', 'redial'],
  'handshake-failure': ['restart-session', 'renew-svid', 'redial'],
  partition: ['redial'],
  'relay-dead': ['redial'],
  'link-dead': ['redial', 'reroute'],
  flap: ['reroute', 'redial'],
  'path-eaten': ['reroute', 'quarantine-neighbour'],
  'one-way-loss': ['reroute', 'redial'],
  'gray-link': ['reroute', 'redial'],
  'control-lost': ['redial'],
  'member-unreachable': ['redial'],
  'session-failed': ['restart-session', 'rekey', 'redial'],
  unexplained: [],
}

/** The policy that holds where nothing else is set. */
export const defaultPolicy: Policy = {
  numbers: mapKeys(numberKeys, (key) => ({ value: policyNumbers[key].fallback, origin: 'default' })),
  plans: mapKeys(diagnosisKinds, (kind) => ({ value: plans[kind], origin: 'default' })),
}

export function numberOf(policy: Policy, key: NumberKey): number {
  return policy.numbers[key].value
}

/**
 * A policy with some of its values set anew, from a parsed file or a decision: nested tables as in
 * `{ thresholds: { loss_percent: 3 }, actions: { reroute: { per_minute: 2 } }, plans: { 'link-dead': ['redial'] } }`.
 * @throws X0tError HEALING_POLICY_INVALID naming the first value that does not fit
 */
export function readPolicy(content: unknown, origin: Origin, base: Policy = defaultPolicy): Policy {
  const numbers: Record<string, Chosen<number>> = { ...base.numbers }
  const chosen: Record<string, Chosen<readonly ActionName[]>> = { ...base.plans }
  for (const [key, value] of leaves(content, '')) {
    const kind = key.startsWith('plans.') ? key.slice('plans.'.length) : undefined
    if (kind !== undefined && Object.hasOwn(chosen, kind))
      chosen[kind] = { value: readPlan(key, value), origin }
    else if (Object.hasOwn(policyNumbers, key))
      numbers[key] = { value: readNumber(key, value, policyNumbers[key as NumberKey]), origin }
    else throw policyInvalid(`${key} is no value of the policy`, 'x0t heal policy lists them all')
  }
  return { numbers, plans: chosen } as Policy
}

/** The values of nested tables with dotted keys; a list is one value. */
function* leaves(content: unknown, prefix: string): Generator<readonly [string, unknown]> {
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw policyInvalid(`${prefix === '' ? 'the policy' : prefix.slice(0, -1)} is not a table`)
  for (const [name, value] of Object.entries(content)) {
    const key = `${prefix}${name}`
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (isTable && prefix.split('.').length < 3) yield* leaves(value, `${key}.`)
    else yield [key, value]
  }
}

/** @throws X0tError HEALING_POLICY_INVALID */
export function readNumber(key: string, value: unknown, { from, to, unit }: PolicyNumber): number {
  if (typeof value === 'number' && value >= from && value <= to) return value
  throw policyInvalid(`${key} is ${JSON.stringify(value)}, not a number from ${from} to ${to} (${unit})`)
}

/** @throws X0tError HEALING_POLICY_INVALID */
export function readPlan(key: string, value: unknown): readonly ActionName[] {
  const isPlan = Array.isArray(value) && value.every((name) => actionNames.includes(name as ActionName))
  if (isPlan && new Set(value).size === value.length) return value as ActionName[]
  throw policyInvalid(
    `${key} is not a list of actions without doubles`,
    `the actions: ${actionNames.join(', ')}`,
  )
}

/** The error of a policy that does not hold. */
export function policyInvalid(message: string, hint?: string): X0tError {
  return new X0tError('HEALING_POLICY_INVALID', message, {
    exitCode: 3,
    ...(hint === undefined ? {} : { hint }),
  })
}

function mapKeys<Key extends string, T>(keys: readonly Key[], of: (key: Key) => T): Record<Key, T> {
  return Object.fromEntries(keys.map((key) => [key, of(key)])) as Record<Key, T>
}
