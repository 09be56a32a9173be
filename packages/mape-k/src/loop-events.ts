import type { ActionName } from './actions.ts'
import type { Diagnosis } from './diagnosis.ts'
import type { HealingState } from './fsm.ts'
import type { Incident } from './incident.ts'
import type { NumberKey } from './policy-numbers.ts'
import type { Policy } from './policy.ts'
import type { Reading } from './sensors.ts'

/** What an effector really did. One that cannot act says so; it never claims success: sensors decide that. */
export type EffectResult =
  | { readonly did: true; readonly changed: string }
  | { readonly did: false; readonly why: string }

/** What happens to the loop. */
export type LoopEvent =
  | { readonly type: 'reading'; readonly reading: Reading }
  /** What this subject named exists no more. */
  | { readonly type: 'gone'; readonly subject: string }
  /** Traffic was moved out of the way, not by the loop. */
  | { readonly type: 'mitigated'; readonly entity: string; readonly to: string }
  /** Something came through over the new path. */
  | { readonly type: 'mitigation-verified'; readonly entity: string; readonly how: string }
  | {
      readonly type: 'executed'
      readonly incidentId: string
      readonly attempt: number
      readonly result: EffectResult
    }
  /** What happens to this entity until then is a drill. */
  | { readonly type: 'drill'; readonly entity: string; readonly untilMs: number }
  /** A human orders or ends SAFE_MODE. */
  | { readonly type: 'safe-mode'; readonly isOn: boolean; readonly reason: string }
  | { readonly type: 'policy'; readonly policy: Policy }
  | { readonly type: 'tick' }

/** What the owner of the loop has to do. */
export type LoopAction =
  /** Let the effector act and answer with `executed`. */
  | {
      readonly type: 'execute'
      readonly incidentId: string
      readonly attempt: number
      readonly action: ActionName
      readonly diagnosis: Diagnosis
    }
  /** Something worth telling: a stable name and plain fields. */
  | {
      readonly type: 'event'
      readonly name: LoopEventName
      readonly incident: Incident
      readonly ms?: number
    }
  | { readonly type: 'safe-mode'; readonly isOn: boolean; readonly reason: string }
  /** Send a `tick` at this time; replaces the last such wish. */
  | { readonly type: 'wake'; readonly atMs: number }

export type LoopEventName =
  | 'healing.detected'
  | 'healing.diagnosed'
  | 'healing.mitigated'
  | 'healing.mitigation-verified'
  | 'healing.decided'
  | 'healing.not-executed'
  | 'healing.verified'
  | 'healing.failed'
  | 'healing.closed'

/** The loop as it stands. */
export interface LoopStatus {
  /** SAFE_MODE, or the state of what is furthest in being healed. */
  readonly state: HealingState
  readonly entities: readonly { readonly entity: string; readonly state: HealingState }[]
  readonly safeMode: { readonly reason: string; readonly sinceMs: number } | undefined
  readonly open: readonly Incident[]
  readonly actionsInMinute: number
  readonly actionsPerMinute: number
  readonly failuresInRow: number
  /** Milliseconds until the breaker lets an action try again; undefined while it is closed. */
  readonly breakerOpenForMs: number | undefined
  /** Factors on thresholds, where experience has moved them. */
  readonly factors: Partial<Record<NumberKey, number>>
}
