import type { ProposalState, RecordId } from '@x0t/dao'
import { shortId } from '../commands/dao/find-by-prefix.ts'
import { moment } from './dao-words.ts'
import { safe } from './node.ts'
import { columns, facts } from './table.ts'

/** Result of `dao execute`. */
export interface ExecutionPlan {
  readonly proposal: RecordId
  readonly title: string
  readonly state: ProposalState
  readonly actions: readonly {
    readonly action: number
    /** In words. */
    readonly what: string
    /** executed, failed, waiting, due, vetoed … */
    readonly stage: string
    readonly untilMs: number | null
    readonly detail: string
    /** Value in force and after it, as the running node tells; null where there is no such thing. */
    readonly from: string | null
    readonly to: string | null
  }[]
}

export function executionPlanView({ proposal, title, state, actions }: ExecutionPlan): string {
  const head = facts([
    ['proposal', `${shortId(proposal)}  ${safe(title)}`],
    ['state', state],
  ])
  const table = columns(
    ['', 'ACTION', 'ON THIS NODE', 'CHANGE', 'UNTIL', 'WHY'],
    actions.map(({ action, what, stage, untilMs, detail, from, to }) => [
      String(action + 1),
      safe(what),
      stage,
      from === null && to === null ? '-' : `${safe(from ?? '-')} → ${safe(to ?? '-')}`,
      untilMs === null ? '-' : moment(untilMs),
      safe(detail) || '-',
    ]),
  )
  return `${head}\n\n${table}`
}
