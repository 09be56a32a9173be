import type { ActionName } from './actions.ts'
import type { DiagnosisKind } from './diagnosis.ts'
import type { SensorName } from './sensors.ts'

/** How an incident ended, or that it has not. */
export const outcomes = {
  open: 'not over',
  verified: 'an action healed it: the sensors that raised the alarm are quiet again',
  'healed-by-itself': 'it passed without an action of the loop',
  interrupted: 'the node ended before it was over',
  gone: 'what it was about exists no more',
} as const
export type Outcome = keyof typeof outcomes

/** What happened in an incident. */
export type PhaseKind =
  | 'detected'
  | 'diagnosed'
  | 'mitigated'
  | 'mitigation-verified'
  | 'decided'
  | 'executed'
  | 'not-executed'
  | 'verified'
  | 'failed'
  | 'quiet'
  | 'alarm'
  | 'observing'
  | 'safe-mode'
  | 'closed'

export interface Phase {
  readonly phase: PhaseKind
  /** Milliseconds of monotonic time since the first alarm; what came before it is negative. */
  readonly afterMs: number
  readonly text: string
}

export interface Evidence {
  readonly sensor: SensorName
  readonly subject: string
  readonly value: number
  /** Null for a state. */
  readonly threshold: number | null
  readonly afterMs: number
  readonly detail: Readonly<Record<string, string | number | boolean>>
}

/** One action taken, and what came of it. */
export interface Attempt {
  readonly action: ActionName
  readonly diagnosis: DiagnosisKind
  readonly afterMs: number
  /** Why this one. */
  readonly why: string
  /** What it really changed, in the words of the effector; null until it has answered. */
  readonly changed: string | null
  readonly executionMs: number | null
  /** From the action until the sensors were well; null unless verified. */
  readonly recoveryMs: number | null
  /** `overtaken`: the sensors were quiet before it was done, so it proves nothing. */
  readonly result: 'running' | 'verifying' | 'verified' | 'failed' | 'not-done' | 'overtaken'
}

/** What moved traffic out of the way before the loop acted. */
export interface Mitigation {
  /** `data-plane`: the fast path did it by itself. */
  readonly by: 'data-plane' | 'loop'
  /** Where traffic goes now. */
  readonly to: string
  readonly afterMs: number
  /** When traffic or an answer over the new path proved it; null while nothing has. */
  readonly verifiedAfterMs: number | null
}

/** Everything about one trouble: what was seen, decided, changed, and how long it took. Plain data. */
export interface Incident {
  readonly id: string
  readonly entity: string
  readonly diagnosis: DiagnosisKind
  readonly confidence: number
  readonly because: string
  /** Wall clock at the first alarm, milliseconds since 1970. */
  readonly openedAtMs: number
  /** How long before the alarm all was last known to be well; null where that is not known. */
  readonly lastGoodAgoMs: number | null
  readonly evidence: readonly Evidence[]
  readonly timeline: readonly Phase[]
  readonly attempts: readonly Attempt[]
  readonly mitigation: Mitigation | null
  readonly outcome: Outcome
  /** From the first alarm until all sensors were well again; null while they are not. */
  readonly recoveredAfterMs: number | null
  readonly closedAfterMs: number | null
  /** A drill, not an accident. */
  readonly isDrill: boolean
}

export const maxPhases = 64
export const maxEvidence = 32
export const maxAttempts = 32

/** The list with one more at its end; of one that is full, the second half goes on with the newest. */
export function appended<T>(list: readonly T[], item: T, most: number): readonly T[] {
  if (list.length < most) return [...list, item]
  const half = Math.floor(most / 2)
  return [...list.slice(0, half), ...list.slice(half + 1), item]
}
