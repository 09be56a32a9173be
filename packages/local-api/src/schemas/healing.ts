import { z } from 'zod'
import { count, timeMs } from './fields.ts'

const ms = z.number()
const detail = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))

/** One trouble: what was seen, decided, changed, and how long it took; times `…AfterMs` since the first alarm. */
export const incident = z.object({
  id: z.string(),
  /** What it is about: `node:ID`, `mesh`, `host`, `disk` … */
  entity: z.string(),
  /** The same in words: a name where there is one. */
  about: z.string(),
  diagnosis: z.string(),
  /** 0 to 1. */
  confidence: z.number(),
  because: z.string(),
  openedAtMs: z.number(),
  /** How long before the first alarm all was last known to be well; null where that is not known. */
  lastGoodAgoMs: ms.nullable(),
  evidence: z.array(
    z.object({
      sensor: z.string(),
      subject: z.string(),
      value: z.number(),
      threshold: z.number().nullable(),
      afterMs: ms,
      detail,
    }),
  ),
  timeline: z.array(z.object({ phase: z.string(), afterMs: ms, text: z.string() })),
  attempts: z.array(
    z.object({
      action: z.string(),
      diagnosis: z.string(),
      afterMs: ms,
      why: z.string(),
      /** What the action really changed; null until that is known, empty if it could not be done. */
      changed: z.string().nullable(),
      executionMs: ms.nullable(),
      recoveryMs: ms.nullable(),
      result: z.string(),
    }),
  ),
  /** What moved traffic out of the way before the loop acted. */
  mitigation: z
    .object({ by: z.string(), to: z.string(), afterMs: ms, verifiedAfterMs: ms.nullable() })
    .nullable(),
  outcome: z.string(),
  recoveredAfterMs: ms.nullable(),
  closedAfterMs: ms.nullable(),
  isDrill: z.boolean(),
  /** The whole in plain words, a paragraph each. */
  explanation: z.array(z.string()),
})
export type HealIncident = z.infer<typeof incident>

export const healStatus = z.object({
  enabled: z.boolean(),
  /** IDLE, ANALYZING, PLANNING, EXECUTING, VERIFYING, COOLDOWN or SAFE_MODE. */
  state: z.string(),
  safeMode: z.object({ reason: z.string(), sinceMs: timeMs }).nullable(),
  entities: z.array(z.object({ entity: z.string(), about: z.string(), state: z.string() })),
  open: z.array(incident),
  actionsInMinute: count,
  actionsPerMinute: count,
  failuresInRow: count,
  /** Null while the breaker is closed. */
  breakerOpenForMs: ms.nullable(),
  /** Neighbours that traffic is led round. */
  avoided: z.array(z.object({ id: z.string(), name: z.string(), kind: z.string(), leftMs: ms })),
  incidents: count,
})
export type HealStatus = z.infer<typeof healStatus>

export const healHistoryRequest = z.strictObject({
  /** Opened at this time or later. */
  sinceMs: z.coerce.number().nonnegative().optional(),
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
})
export type HealHistoryRequest = z.infer<typeof healHistoryRequest>
export const healHistory = z.object({ incidents: z.array(incident) })
export type HealHistory = z.infer<typeof healHistory>

/** An id of an incident, or the beginning of one. */
export const healIncidentRequest = z.strictObject({ id: z.string().min(1).max(32) })
export type HealIncidentRequest = z.infer<typeof healIncidentRequest>

export const healPolicy = z.object({
  numbers: z.array(
    z.object({
      key: z.string(),
      value: z.number(),
      origin: z.string(),
      /** Of origin `vote`: the proposal that was decided. */
      proposal: z.string().optional(),
      from: z.number(),
      to: z.number(),
      unit: z.string(),
      help: z.string(),
      /** What experience has made of a threshold; null where it is as set. */
      learnt: z.number().nullable(),
    }),
  ),
  plans: z.array(
    z.object({
      diagnosis: z.string(),
      meaning: z.string(),
      actions: z.array(z.string()),
      origin: z.string(),
      proposal: z.string().optional(),
      /** How the actions have fared against this. */
      records: z.array(z.object({ action: z.string(), verified: z.number(), failed: z.number() })),
    }),
  ),
  /** Values that the policy file, or one that was applied, sets in vain: a vote has set them. */
  overruled: z.array(z.string()).optional(),
})
export type HealPolicy = z.infer<typeof healPolicy>

/** The text of a policy file, to hold until the node is started anew. */
export const setHealPolicyRequest = z.strictObject({ text: z.string().max(65_536) })
export type SetHealPolicyRequest = z.infer<typeof setHealPolicyRequest>

export const safeModeRequest = z.strictObject({ isOn: z.boolean(), reason: z.string().max(200).optional() })
export type SafeModeRequest = z.infer<typeof safeModeRequest>

export const drillRequest = z.strictObject({
  /** Id, beginning of an id, name or address of a neighbour; any that has a second path where absent. */
  node: z.string().optional(),
  forMs: z.number().int().min(50).max(60_000),
  force: z.boolean().optional(),
})
export type DrillRequest = z.infer<typeof drillRequest>
export const drill = z.object({ id: z.string(), name: z.string(), forMs: ms, startedAtMs: timeMs })
export type Drill = z.infer<typeof drill>
