import { actionOf, type ActionName, type Precondition } from './actions.ts'
import type { Budget, BudgetLimits } from './budget.ts'
import type { Diagnosis } from './diagnosis.ts'
import type { ActionRecord } from './knowledge.ts'
import { numberOf, type Policy } from './policy.ts'

/** What the planner asks the world. Undefined: not known, and so not met. */
export interface FactsPort {
  holds(precondition: Precondition, diagnosis: Diagnosis): boolean | undefined
}

export interface PlanInput {
  readonly diagnosis: Diagnosis
  readonly policy: Policy
  readonly records: readonly ActionRecord[]
  readonly facts: FactsPort
  readonly budget: Budget
  /** Actions that have failed in this round already. */
  readonly tried: ReadonlySet<ActionName>
  /** Whether alarms that users feel, and alarms of causes, are raised. */
  readonly isServiceHurt: boolean
  readonly isCauseActive: boolean
  /** When the trouble began. */
  readonly openedMs: number
  readonly nowMs: number
}

export type Plan =
  | { readonly kind: 'act'; readonly action: ActionName; readonly why: string }
  /** An action would do, but not before this time. */
  | { readonly kind: 'wait'; readonly untilMs: number; readonly why: string }
  | { readonly kind: 'observe'; readonly why: string }

/** How many outcomes the policy's order is worth against experience. */
const priorWeight = 4
/** Chance of success that the policy's order grants: the first, then each one less. */
const firstPrior = 0.8
const priorStep = 0.15

export function budgetLimits(policy: Policy, action: ActionName): BudgetLimits {
  return {
    perMinute: numberOf(policy, 'limits.actions_per_minute'),
    actionPerMinute: numberOf(policy, `actions.${action}.per_minute`),
    breakerFailures: numberOf(policy, 'limits.breaker_failures'),
    breakerOpenMs: numberOf(policy, 'limits.breaker_open_s') * 1000,
  }
}

/**
 * Mean of the posterior of a Beta distribution: what the policy's order grants, worth four outcomes, moved by the
 * outcomes seen. From 0 to 1.
 * @param place the action's place in the plan, from 0
 */
export function chanceOf(
  place: number,
  record: Pick<ActionRecord, 'verified' | 'failed'> | undefined,
): number {
  const prior = Math.max(0.05, firstPrior - place * priorStep)
  const { verified = 0, failed = 0 } = record ?? {}
  return (prior * priorWeight + verified) / (priorWeight + verified + failed)
}

/** Chooses what to do about a diagnosis; the same input gives the same choice. */
export function plan(input: PlanInput): Plan {
  const { diagnosis, policy, records, budget, tried, openedMs, nowMs } = input
  const candidates = policy.plans[diagnosis.kind].value
  if (candidates.length === 0)
    return { kind: 'observe', why: 'the policy has no action for this: only a person can help' }
  const refusals: string[] = []
  const fit = candidates.flatMap((action, place) => {
    const against = objection(input, action)
    if (against !== undefined) {
      refusals.push(`${action}: ${against}`)
      return []
    }
    const record = records.find((one) => one.diagnosis === diagnosis.kind && one.action === action)
    return [{ action, place, record, chance: chanceOf(place, record) }]
  })
  if (fit.length === 0) return { kind: 'observe', why: refusals.join('; ') }
  const dueMs = (action: ActionName): number => openedMs + numberOf(policy, `actions.${action}.after_ms`)
  const due = fit.filter(({ action }) => dueMs(action) <= nowMs)
  const [best] = due.toSorted((one, other) => other.chance - one.chance || one.place - other.place)
  if (best === undefined) {
    const untilMs = Math.min(...fit.map(({ action }) => dueMs(action)))
    const names = fit.map(({ action }) => action).join(', ')
    return { kind: 'wait', untilMs, why: `it may pass by itself before ${names}` }
  }
  const freeAtMs = budget.freeAtMs(best.action, budgetLimits(policy, best.action), nowMs)
  if (freeAtMs > nowMs) {
    const isOpen = budget.openUntilMs(nowMs) !== undefined
    const what = isOpen ? 'the breaker is open after failures in a row' : 'the limit of actions is reached'
    return Number.isFinite(freeAtMs)
      ? { kind: 'wait', untilMs: freeAtMs, why: `${best.action}: ${what}` }
      : { kind: 'observe', why: `${best.action}: the policy allows it never` }
  }
  const { verified = 0, failed = 0 } = best.record ?? {}
  const experience =
    verified + failed === 0
      ? 'never tried here before'
      : `worked ${round(verified)} of ${round(verified + failed)} times against this`
  const among = fit.length > 1 ? ` of ${fit.length} candidates` : ''
  const others = refusals.length === 0 ? '' : `; not taken: ${refusals.join('; ')}`
  const triedWords = tried.size === 0 ? '' : `; already tried: ${[...tried].join(', ')}`
  return {
    kind: 'act',
    action: best.action,
    why: `best chance${among} (${best.chance.toFixed(2)}; ${experience})${others}${triedWords}`,
  }
}

/** What stands against an action here, if anything does. */
function objection(input: PlanInput, action: ActionName): string | undefined {
  const { diagnosis, policy, facts, tried, isServiceHurt, isCauseActive } = input
  const { cures, needs } = actionOf(action)
  if (tried.has(action)) return 'has failed already'
  if (cures === 'service' && !isServiceHurt) return 'traffic is not hurt'
  if (cures === 'cause' && !isCauseActive && !isServiceHurt) return 'the cause is gone'
  const least = numberOf(policy, `actions.${action}.min_confidence`)
  if (diagnosis.confidence < least)
    return `confidence ${diagnosis.confidence.toFixed(2)} is below the ${least} that it needs`
  for (const need of needs) {
    const holds = facts.holds(need, diagnosis)
    if (holds !== true)
      return holds === undefined ? `whether ${words[need]} is unknown` : `not so that ${words[need]}`
  }
  return undefined
}

const words: Readonly<Record<Precondition, string>> = {
  'second-path': 'another path exists',
  quorum: 'enough other members report it',
  'last-good-policy': 'an earlier policy is kept',
  'can-restart': 'the part can be started again',
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
