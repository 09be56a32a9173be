import { messageOf, type Log, type LogFields } from '@x0t/core'
import type { DaoState, ProposalState, RecordId } from '@x0t/dao'

export interface ProposalWatchOptions {
  readonly resultOf: typeof import('@x0t/dao').resultOf
  readonly emit: (event: string, fields: LogFields) => void
  readonly log: Log
}

/** Tells what becomes of proposals, each step once; what was so when it began is told to nobody. */
export interface ProposalWatch {
  look(state: DaoState, nowMs: number): void
  /** How many proposals are in each state. */
  counts(): Readonly<Record<string, number>>
}

export function watchProposals({ resultOf, emit, log }: ProposalWatchOptions): ProposalWatch {
  const states = new Map<RecordId, ProposalState>()
  let equivocations = new Set<string>()
  let isFirst = true
  return {
    look(state, nowMs) {
      for (const view of state.proposals.values()) {
        const { title } = view.record.body
        try {
          const now = resultOf(state, view.id, nowMs).state
          const before = states.get(view.id)
          states.set(view.id, now)
          if (now === before || isFirst) continue
          emit('dao.proposal', { proposal: view.id, title, state: now, before: before ?? 'new' })
          if (now === 'halted') emit('dao.halted', { proposal: view.id, title, culprits: view.culprits })
        } catch (error) {
          log.warn('dao-result-unknown', { proposal: view.id, reason: messageOf(error) })
        }
      }
      const now = new Set<string>()
      for (const { author, lane, seq } of state.equivocations) {
        const key = `${author} ${lane} ${seq}`
        now.add(key)
        if (!isFirst && !equivocations.has(key)) emit('dao.equivocation', { member: author, lane, seq })
      }
      equivocations = now
      isFirst = false
    },
    counts() {
      const counts: Record<string, number> = {}
      for (const state of states.values()) counts[state] = (counts[state] ?? 0) + 1
      return counts
    },
  }
}
