import { numberKeys, policyNumbers, type NumberKey } from './policy-numbers.ts'
import { numberOf, type Policy } from './policy.ts'
import type { Knowledge } from './knowledge.ts'

/** Thresholds that move a little with what actions achieved: 2 % up after a success, 5 % down after a failure. */
export interface Feedback {
  /** The threshold that holds now. */
  valueOf(key: NumberKey, policy: Policy): number
  /** The factor on the policy's value, from 0.9 to 1.1. */
  factorOf(key: NumberKey): number
  settle(keys: Iterable<NumberKey>, isVerified: boolean): void
}

const [least, most] = [0.9, 1.1]
const noteName = (key: NumberKey): string => `factor ${key}`

/** Factors are kept in the knowledge, so that they outlive the process. */
export function createFeedback(knowledge: Pick<Knowledge, 'note' | 'setNote'>): Feedback {
  const factors = new Map<NumberKey, number>()
  for (const key of numberKeys) {
    const factor = Number(knowledge.note(noteName(key)) ?? Number.NaN)
    if (factor >= least && factor <= most) factors.set(key, factor)
  }
  return {
    factorOf: (key) => factors.get(key) ?? 1,
    valueOf(key, policy) {
      const { from, to } = policyNumbers[key]
      return Math.min(to, Math.max(from, numberOf(policy, key) * (factors.get(key) ?? 1)))
    },
    settle(keys, isVerified) {
      for (const key of new Set(keys)) {
        if (policyNumbers[key].learns !== true) continue
        const moved = (factors.get(key) ?? 1) * (isVerified ? 1.02 : 0.95)
        const factor = Math.min(most, Math.max(least, moved))
        factors.set(key, factor)
        knowledge.setNote(noteName(key), String(factor))
      }
    },
  }
}
