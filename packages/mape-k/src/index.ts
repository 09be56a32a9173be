/**
 * The healing loop (MAPE-K): readings become alarms, alarms a diagnosis, a policy and experience an action, sensors its
 * proof, and all of it knowledge. A state machine: clock, sensors, effectors and the store come from outside.
 *
 * @example
 * import { systemClock, systemRandom } from '@x0t/core'
 * import { createHealingLoop, createMemoryKnowledge, defaultPolicy } from '@x0t/mape-k'
 * const loop = createHealingLoop({
 *   policy: defaultPolicy,
 *   knowledge: createMemoryKnowledge(),
 *   facts: { holds: () => undefined },
 *   random: systemRandom,
 *   wallMs: systemClock.wallMs,
 * })
 * loop.handle({ type: 'reading', reading: { sensor: 'link-silent', subject: 'link:b', value: 1 } }, 0)
 * loop.status(0).open[0]?.diagnosis // 'link-dead'
 */
export { createHealingLoop, type HealingLoop, type LoopOptions } from './loop.ts'
export type { EffectResult, LoopAction, LoopEvent, LoopEventName, LoopStatus } from './loop-events.ts'
export {
  healingStates,
  leaveSafeMode,
  transition,
  type Guards,
  type HealingState,
  type Transition,
} from './fsm.ts'
export {
  entityOf,
  sensorNames,
  sensorOf,
  sensors,
  type Reading,
  type Sensor,
  type SensorName,
} from './sensors.ts'
export { createMonitor, type Monitor } from './monitor.ts'
export { analyze, type ScorePort } from './analyze.ts'
export { diagnoses, diagnosisKinds, type Alarm, type Diagnosis, type DiagnosisKind } from './diagnosis.ts'
export {
  actionNames,
  actionOf,
  actions,
  type ActionKind,
  type ActionName,
  type Precondition,
} from './actions.ts'
export { chanceOf, plan, type FactsPort, type Plan, type PlanInput } from './plan.ts'
export { numberKeys, policyNumbers, type NumberKey, type PolicyNumber } from './policy-numbers.ts'
export { decidePolicy, overruledByVote, valueOfPolicy, type PolicyDecision } from './decided-policy.ts'
export { defaultPolicy, numberOf, readPolicy, type Chosen, type Origin, type Policy } from './policy.ts'
export {
  outcomes,
  type Attempt,
  type Evidence,
  type Incident,
  type Mitigation,
  type Outcome,
  type Phase,
  type PhaseKind,
} from './incident.ts'
export { explainIncident, entityWords } from './explain.ts'
export {
  defaultKnowledgeLimits,
  type ActionRecord,
  type IncidentQuery,
  type Knowledge,
  type KnowledgeLimits,
} from './knowledge.ts'
export { createMemoryKnowledge } from './memory-knowledge.ts'
export { openKnowledge } from './sqlite-knowledge.ts'
export { errorCodes } from './errors.ts'
