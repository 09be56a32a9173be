import { z } from 'zod'
import { count } from './fields.ts'

/** Names as monitoring of the original system knows them, hence snake case. */
export const health = z.object({
  status: z.enum(['ok', 'degraded']),
  version: z.string(),
  components: z.record(z.string(), z.boolean()),
  component_stats: z.object({ active: count, total: count, percentage: z.number().min(0).max(100) }),
  dependencies: z.record(z.string(), z.string()),
  critical_issues: z.array(z.string()),
  warnings: z.array(z.string()),
})
export type Health = z.infer<typeof health>

export const live = z.object({ status: z.literal('alive') })
export type Live = z.infer<typeof live>

/** Answered with 200 when ready, else with 503. */
export const ready = z.object({ status: z.enum(['ready', 'not_ready']), waiting_for: z.array(z.string()) })
export type Ready = z.infer<typeof ready>
