import { effectiveEndMs } from './count/effective-end.ts'
import type { ProposalView } from './dao-state.ts'
import type { Ballot } from './rules.ts'

const ends = new WeakMap<ProposalView, number>()

/**
 * When a vote ends, ms since 1970, a late quorum included: by the times that ballots say of themselves. For people and
 * for what a voter is told; each witness goes by when it saw the ballots.
 */
export function endOf(view: ProposalView): number {
  const { choices, rules, closesMs } = view.record.body
  if (rules.lateQuorumMs === null) return closesMs
  let end = ends.get(view)
  if (end === undefined) {
    const writtenAtMs = new Map<Ballot, number>()
    for (const { record } of view.box)
      if (record.kind === 'vote') writtenAtMs.set(record.body.ballot, record.atMs)
    const seenAtMs = new Map(
      view.voices.map(({ member, ballot }) => [member, writtenAtMs.get(ballot) ?? Infinity]),
    )
    const electorate = view.electorate.map(({ id, balance }) => ({ member: id, balance: BigInt(balance) }))
    end = effectiveEndMs(
      { choices, rules, electorate, voices: view.voices },
      { closesMs, seenAtMs: (member) => seenAtMs.get(member) ?? Infinity },
    )
    ends.set(view, end)
  }
  return end
}
