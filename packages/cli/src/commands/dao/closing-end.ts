import type { MemberId, ProposalView } from '@x0t/dao'

/**
 * When a vote ends for a witness that has no memory of when ballots came: as they say themselves. It decides when the
 * witness stops taking ballots, not what counts.
 */
export async function closingEndMs({ record, electorate, voices, box }: ProposalView): Promise<number> {
  const { effectiveEndMs, settledOutcome } = await import('@x0t/dao')
  const { choices, rules, closesMs } = record.body
  const input = {
    choices,
    rules,
    electorate: electorate.map(({ id, balance }) => ({ member: id, balance: BigInt(balance) })),
    voices,
  }
  const castAtMs = new Map<MemberId, number>()
  for (const { record: ballot } of box)
    castAtMs.set(ballot.author, Math.max(ballot.atMs, castAtMs.get(ballot.author) ?? 0))
  const byOf = new Map(voices.map(({ member, by }) => [member, by]))
  const seenAtMs = (member: MemberId): number => castAtMs.get(byOf.get(member) ?? member) ?? 0
  if (rules.closesEarly && settledOutcome(input) !== null)
    return Math.min(closesMs, Math.max(0, ...castAtMs.values()))
  return effectiveEndMs(input, { closesMs, seenAtMs })
}
