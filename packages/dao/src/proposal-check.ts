import { X0tError } from '@x0t/core'
import { checkChoices } from './parse-choices.ts'
import { snapshotRoot } from './snapshot.ts'
import type { LaneNode } from './member-lane.ts'
import type { Registry } from './registry.ts'
import type { Constitution, MemberId, ProposalBody } from './record.ts'

/** Witnesses of a proposal: those that the constitution names and the snapshot knows. */
export function witnessesOf({ witnesses }: Constitution, members: Registry['members']): readonly MemberId[] {
  const ids = witnesses === 'members' ? [...members.keys()] : witnesses.filter((id) => members.has(id))
  return ids.toSorted()
}

/**
 * Checks a proposal against the constitution and the electorate that it names. Nothing here comes from a clock, and
 * nothing changes later: a proposal is good or bad once and for all.
 * @throws X0tError DAO_NOT_A_MEMBER, DAO_SNAPSHOT_MISMATCH, DAO_WITNESSES_WRONG, DAO_TIMES_INVALID,
 * DAO_CHOICES_INVALID
 */
export function checkProposal(
  body: ProposalBody,
  {
    author,
    constitution,
    members,
  }: {
    readonly author: MemberId
    readonly constitution: Constitution
    readonly members: Registry['members']
  },
): void {
  if (!members.has(author))
    throw new X0tError('DAO_NOT_A_MEMBER', `${author} is no member of the electorate that it names`)
  if (Buffer.compare(snapshotRoot(members.values()), body.snapshotRoot) !== 0)
    throw new X0tError('DAO_SNAPSHOT_MISMATCH', 'the records that it names give another electorate')
  const witnesses = witnessesOf(constitution, members)
  if (witnesses.length !== body.witnesses.length || witnesses.some((id, at) => id !== body.witnesses[at]))
    throw new X0tError('DAO_WITNESSES_WRONG', 'its witnesses are not those that the constitution gives')
  checkTimes(body, constitution)
  checkChoices(body.choices, body.rules)
}

function checkTimes(
  { opensMs, closesMs, graceMs, timelockMs, expiresMs }: ProposalBody,
  least: Constitution,
): void {
  for (const [what, foundMs, leastMs] of [
    ['time to vote', closesMs - opensMs, Math.max(1, least.votingMs)],
    ['grace', graceMs, least.graceMs],
    ['timelock', timelockMs, least.timelockMs],
    ['time to execute', expiresMs, least.expiresMs],
  ] as const) {
    if (foundMs < leastMs)
      throw new X0tError(
        'DAO_TIMES_INVALID',
        `its ${what} is ${foundMs} ms; the constitution asks for ${leastMs} ms`,
      )
  }
}

/** Proposals of one author that are open at the same time as this one, by what it wrote before this one. */
export function openBeside(body: ProposalBody, earlier: readonly LaneNode[]): number {
  const canceled = new Set<string>()
  const open = new Map<string, ProposalBody>()
  for (const { signed } of earlier) {
    const { record } = signed
    if (record.kind === 'cancel') canceled.add(record.body.proposal)
    if (
      record.kind === 'proposal' &&
      record.body.opensMs < body.closesMs &&
      record.body.closesMs > body.opensMs
    )
      open.set(signed.id, record.body)
  }
  return [...open.keys()].filter((id) => !canceled.has(id)).length
}
