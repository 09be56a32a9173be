import type { RecordId } from '@x0t/dao'
import type { TallyReport } from './dao-tally.ts'
import type { ProposalSummary } from './dao.ts'

/** A record that came. */
export interface ArrivedRecord {
  readonly atMs: number
  readonly id: RecordId
  readonly kind: string
  readonly author: string
  /** The proposal it is about, if any. */
  readonly proposal: RecordId | null
}

/** A proposal as the live view shows it. */
export interface WatchedProposal extends ProposalSummary {
  readonly report: TallyReport
}

/** What the live view of a DAO shows. */
export interface DaoWatchState {
  readonly name: string
  readonly records: number
  readonly proposals: readonly WatchedProposal[]
  /** Newest last. */
  readonly arrived: readonly ArrivedRecord[]
  readonly nowMs: number
  readonly problem: string | undefined
}

const kept = 200

/** States in which something may still happen; the others stand below them. */
const living = new Set(['pending', 'open', 'closing', 'unsealed', 'queued'])

export function recordsArrived(state: DaoWatchState, records: readonly ArrivedRecord[]): DaoWatchState {
  return { ...state, arrived: [...state.arrived, ...records].slice(-kept) }
}

/** Living proposals first, those that end soonest before the others; then the latest ended. */
export function watchOrder(proposals: readonly WatchedProposal[]): readonly WatchedProposal[] {
  const alive = (one: WatchedProposal): number => (living.has(one.state) ? 0 : 1)
  return proposals.toSorted(
    (one, other) =>
      alive(one) - alive(other) ||
      (alive(one) === 0 ? one.closesMs - other.closesMs : other.closesMs - one.closesMs) ||
      (one.id < other.id ? -1 : 1),
  )
}
