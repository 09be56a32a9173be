import { readBallot, type BallotParts } from '../ballot.ts'
import { Radicand } from '../exact/root-sum.ts'
import type { MemberId } from '../record.ts'
import type { Ballot } from '../rules.ts'
import type { TallyInput, Voice } from '../tally.ts'

/** A voice that counts. */
export interface AdmittedVoice {
  readonly voice: Voice
  readonly balance: Radicand
  readonly ballot: BallotParts
}

/**
 * Voices that count, and those that do not with the reason. The weight is the one of the electorate.
 * @throws RangeError for a member twice or not in the electorate, and for a balance that is not the electorate's: who
 * calls has mixed up two proposals
 */
export function admitVoices({ choices, rules, electorate, voices }: TallyInput): {
  readonly balances: readonly Radicand[]
  readonly admitted: readonly AdmittedVoice[]
  readonly voided: readonly { readonly member: MemberId; readonly code: string }[]
} {
  const electors = new Map<MemberId, { readonly balance: Radicand; isHeard: boolean }>()
  for (const { member, balance } of electorate) {
    if (electors.has(member)) throw new RangeError(`${member} is in the electorate twice`)
    if (balance < 0n) throw new RangeError(`${member} has a balance below 0`)
    electors.set(member, { balance: new Radicand(balance), isHeard: false })
  }
  const admitted: AdmittedVoice[] = []
  const voided: { member: MemberId; code: string }[] = []
  // A delegate's ballot is read once for all its voices.
  const ofDelegates = new Map<Ballot, BallotParts | string>()
  for (const voice of voices) {
    const { member, by, ballot } = voice
    const elector = electors.get(member)
    if (!elector || elector.balance.value !== voice.balance) {
      throw new RangeError(`${member} does not have this balance in the electorate`)
    }
    if (elector.isHeard) throw new RangeError(`${member} has two voices`)
    elector.isHeard = true
    const { balance } = elector
    let parts = by === member ? undefined : ofDelegates.get(ballot)
    if (parts === undefined) {
      parts = partsOrCode(() => readBallot(ballot, choices, rules))
      if (by !== member) ofDelegates.set(ballot, parts)
    }
    if (typeof parts !== 'string' && rules.budget?.kind === 'balance' && parts.cost > balance.value) {
      parts = 'DAO_BUDGET_EXCEEDED'
    }
    if (typeof parts === 'string') voided.push({ member, code: parts })
    else admitted.push({ voice, balance, ballot: parts })
  }
  return {
    balances: [...electors.values()].map(({ balance }) => balance),
    admitted,
    voided: voided.toSorted((a, b) => (a.member < b.member ? -1 : 1)),
  }
}

/** What a ballot says, or the code of the error that it meets. */
function partsOrCode(read: () => BallotParts): BallotParts | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
    throw error
  }
}
