import { X0tError } from '@x0t/core'
import { executionState, timelockEndMs } from './execution.ts'
import { tally } from './count/count-tally.ts'
import { endOf } from './proposal-end.ts'
import type { DaoState, ProposalResult, ProposalState, ProposalView } from './dao-state.ts'
import type { MemberId, RecordId } from './record.ts'
import type { Tally } from './tally.ts'

/**
 * Where a proposal stands at a moment of somebody's clock, with its count. Before a certificate the state is what that
 * clock says and the count is of the ballots known here; after it the clock only matters to the timelock and expiry.
 * @throws X0tError DAO_PROPOSAL_UNKNOWN; what {@link tally} throws
 */
export function resultOf(state: DaoState, proposal: RecordId, nowMs: number): ProposalResult {
  const view = state.proposals.get(proposal)
  if (view === undefined) {
    const refused = state.rejected.find(({ id }) => id === proposal)
    throw new X0tError(
      'DAO_PROPOSAL_UNKNOWN',
      refused === undefined
        ? `no proposal ${proposal} is here`
        : `${proposal} counts for nothing: ${refused.code}`,
      { hint: 'x0t dao list shows the proposals; x0t dao import brings records of others' },
    )
  }
  const count = tallyOf(view)
  return {
    state: stateAt(view, count, nowMs),
    tally: count,
    isFinal: view.isFinal,
    missingWitnesses: missingWitnesses(view, nowMs),
    executableAtMs: timelockEndMs(view),
  }
}

const counts = new WeakMap<ProposalView, Tally>()

/** The count of a view: made once. */
export function tallyOf(view: ProposalView): Tally {
  let count = counts.get(view)
  if (count === undefined) {
    const { choices, rules } = view.record.body
    const root = view.isFinal ? view.certificate?.root : undefined
    count = tally({
      choices,
      rules,
      electorate: view.electorate.map(({ id, balance }) => ({ member: id, balance: BigInt(balance) })),
      voices: view.voices,
      ...(root === undefined ? {} : { certificateRoot: root }),
    })
    counts.set(view, count)
  }
  return count
}

function stateAt(view: ProposalView, count: Tally, nowMs: number): ProposalState {
  if (view.rivals.length > 0) return 'halted'
  if (view.isFinal) return executionState(view, count.outcome, nowMs)
  // The certificate is here, a ballot that it is over is not: what came out is not known yet.
  if (view.certificate !== null) return 'closing'
  if (view.isCanceled) return 'canceled'
  const { opensMs, graceMs } = view.record.body
  const endMs = endOf(view)
  if (nowMs < opensMs) return 'pending'
  if (nowMs < endMs) return 'open'
  // The witnesses declare after the grace; they get as long again to agree.
  return nowMs < endMs + 2 * graceMs ? 'closing' : 'unsealed'
}

/** Witnesses that should have declared what ballots they hold, by this clock, and have not. */
export function missingWitnesses(view: ProposalView, nowMs: number): readonly MemberId[] {
  const { record, seals, certificate } = view
  if (certificate === null && seals.length === 0 && nowMs < endOf(view) + record.body.graceMs) return []
  const heard = new Set(seals.map((seal) => seal.record.author))
  return record.body.witnesses.filter((id) => !heard.has(id))
}
