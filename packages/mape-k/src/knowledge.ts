import type { ActionName } from './actions.ts'
import type { DiagnosisKind } from './diagnosis.ts'
import type { Incident } from './incident.ts'

/** How an action has fared against a diagnosis. */
export interface ActionRecord {
  readonly diagnosis: DiagnosisKind
  readonly action: ActionName
  readonly verified: number
  readonly failed: number
  /** Sum over the verified ones, milliseconds from the action until the sensors were well. */
  readonly recoveryMs: number
}

export interface IncidentQuery {
  /** Opened at this wall time or later. */
  readonly sinceMs?: number
  /** The newest so many. */
  readonly limit?: number
}

/**
 * What the loop remembers. Rows and age are bounded. What cannot be written is kept in memory and tried again: a full
 * disk must not stop the healing of it.
 */
export interface Knowledge extends Disposable {
  /** Writes an incident, in place of what was known of it. */
  save(incident: Incident): void
  /** The newest first. */
  incidents(query?: IncidentQuery): readonly Incident[]
  incident(id: string): Incident | undefined
  /** Incidents kept. */
  size(): number
  /** Counts a verified (`recoveryMs` given) or failed action. */
  learn(diagnosis: DiagnosisKind, action: ActionName, recoveryMs: number | undefined): void
  records(): readonly ActionRecord[]
  /** A named text, such as why SAFE_MODE was entered; undefined where there is none. */
  note(name: string): string | undefined
  setNote(name: string, text: string | undefined): void
}

/** Bounds of what is kept. */
export interface KnowledgeLimits {
  readonly maxIncidents: number
  readonly maxAgeMs: number
}

export const defaultKnowledgeLimits: KnowledgeLimits = { maxIncidents: 2000, maxAgeMs: 30 * 86_400_000 }

/** Outcomes count up to here; then old ones fade by half, so that what changed is learnt again. */
const maxCounted = 64

/** One more outcome of an action. */
export function learned(before: ActionRecord, recoveryMs: number | undefined): ActionRecord {
  const next =
    recoveryMs === undefined
      ? { ...before, failed: before.failed + 1 }
      : { ...before, verified: before.verified + 1, recoveryMs: before.recoveryMs + Math.max(0, recoveryMs) }
  if (next.verified + next.failed <= maxCounted) return next
  return { ...next, verified: next.verified / 2, failed: next.failed / 2, recoveryMs: next.recoveryMs / 2 }
}
