import type { ActionName } from './actions.ts'
import { policyNumbers, type NumberKey } from './policy-numbers.ts'
import { policyInvalid, readNumber, readPlan, type Chosen, type Policy } from './policy.ts'

/** A value of the policy that a vote has set. */
export interface PolicyDecision {
  readonly proposal: string
  /** `thresholds.loss_percent`, `plans.link-dead`. */
  readonly key: string
  readonly value: number | readonly string[]
}

const planPrefix = 'plans.'

/**
 * Lays decisions over a policy: whatever default and file say, a vote stands above them. Of two about one value the
 * later in the list holds.
 * @throws X0tError HEALING_POLICY_INVALID
 */
export function decidePolicy(base: Policy, decisions: readonly PolicyDecision[]): Policy {
  const numbers: Record<string, Chosen<number>> = { ...base.numbers }
  const plans: Record<string, Chosen<readonly ActionName[]>> = { ...base.plans }
  for (const { key, value, proposal } of decisions) {
    const plan = key.startsWith(planPrefix) ? key.slice(planPrefix.length) : undefined
    if (plan !== undefined && Object.hasOwn(plans, plan))
      plans[plan] = { value: readPlan(key, value), origin: 'vote', proposal }
    else if (Object.hasOwn(policyNumbers, key))
      numbers[key] = {
        value: readNumber(key, value, policyNumbers[key as NumberKey]),
        origin: 'vote',
        proposal,
      }
    else throw policyInvalid(`${key} is no value of the policy`, 'x0t heal policy lists them all')
  }
  return { numbers, plans } as Policy
}

/** The value of a number, or of a plan (`plans.link-dead`); undefined if the policy has none of this name. */
export function valueOfPolicy(policy: Policy, key: string): Chosen<number | readonly string[]> | undefined {
  const plan = key.startsWith(planPrefix) ? key.slice(planPrefix.length) : undefined
  if (plan !== undefined)
    return Object.hasOwn(policy.plans, plan) ? policy.plans[plan as keyof Policy['plans']] : undefined
  return Object.hasOwn(policy.numbers, key) ? policy.numbers[key as NumberKey] : undefined
}

/** Values that a file sets and that do not hold, since a vote has set them: a vote is never overridden in silence. */
export function overruledByVote(base: Policy, decisions: readonly PolicyDecision[]): readonly string[] {
  const keys = new Set(decisions.map(({ key }) => key))
  return [...keys].filter((key) => valueOfPolicy(base, key)?.origin === 'file')
}
