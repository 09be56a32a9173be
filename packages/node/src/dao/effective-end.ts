import type { MemberId, ProposalView, RecordId } from '@x0t/dao'

/** When ballots were first seen here, for rules that let a vote end early or late. */
export interface BallotClock {
  /** To be called for each ballot as it comes. */
  seen(ballot: RecordId, atMs: number): void
  /**
   * When a vote ends for the witness of this node: its end, or what rules on early or late closing make of it. It
   * decides when this witness stops taking ballots, not what counts.
   */
  endMs(view: ProposalView): number
}

/** Ballots of earlier lives of the process have the time that they say themselves. */
export function createBallotClock(dao: typeof import('@x0t/dao')): BallotClock {
  const seenAtMs = new Map<RecordId, number>()
  return {
    seen(ballot, atMs) {
      if (!seenAtMs.has(ballot)) seenAtMs.set(ballot, atMs)
    },
    endMs({ record, electorate, voices, box }) {
      const { choices, rules, closesMs } = record.body
      const castAtMs = new Map<MemberId, number>()
      for (const { id, record: ballot } of box) {
        const atMs = seenAtMs.get(id) ?? ballot.atMs
        castAtMs.set(ballot.author, Math.max(atMs, castAtMs.get(ballot.author) ?? 0))
      }
      const byOf = new Map(voices.map(({ member, by }) => [member, by]))
      const input = {
        choices,
        rules,
        electorate: electorate.map(({ id, balance }) => ({ member: id, balance: BigInt(balance) })),
        voices,
      }
      if (rules.closesEarly && dao.settledOutcome(input) !== null)
        return Math.min(closesMs, Math.max(0, ...castAtMs.values()))
      const seenOf = (member: MemberId): number => castAtMs.get(byOf.get(member) ?? member) ?? 0
      return dao.effectiveEndMs(input, { closesMs, seenAtMs: seenOf })
    },
  }
}
