import {
  executionOf,
  timelockEndMs,
  type DaoState,
  type MemberId,
  type ProposalResult,
  type RecordId,
  type TallyOutcome,
} from '@x0t/dao'
import type { DueAction } from './lasting-decisions.ts'

/** Reads where every action of every proposal stands on this node; a final count is made once. */
export function createStandings(
  member: () => MemberId | undefined,
  resultOf: (proposal: RecordId, nowMs: number) => ProposalResult,
): (state: DaoState, nowMs: number) => readonly DueAction[] {
  const outcomes = new Map<RecordId, TallyOutcome>()
  const outcomeOf = (id: RecordId, nowMs: number): TallyOutcome | null => {
    const known = outcomes.get(id)
    if (known !== undefined) return known
    const { isFinal, tally } = resultOf(id, nowMs)
    if (!isFinal) return null
    outcomes.set(id, tally.outcome)
    return tally.outcome
  }
  return (state, nowMs) => {
    const standings: DueAction[] = []
    for (const view of state.proposals.values()) {
      const { actions } = view.record.body
      if (actions.length === 0) continue
      const outcome = view.certificate === null ? null : outcomeOf(view.id, nowMs)
      const self = member() ?? null
      const atMs = timelockEndMs(view) ?? Infinity
      for (const one of executionOf(view, { outcome, self, nowMs }))
        standings.push({ ...one, proposal: view.id, body: actions[one.action]!, atMs })
    }
    return standings
  }
}
