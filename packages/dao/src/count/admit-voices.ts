import { checkBudget, readBallot, type BallotParts } from '../ballot.ts'
import type { MemberId } from '../record.ts'
import type { Ballot } from '../rules.ts'
import type { TallyInput, Voice } from '../tally.ts'

/** A voice that counts. */
export interface AdmittedVoice {
  readonly voice: Voice
  readonly balance: bigint
  readonly ballot: BallotParts
}

/**
 * Voices that count, and those that do not with the reason. The weight is the one of the electorate.
 * @throws RangeError for a member twice or not in the electorate, and for a balance that is not the electorate's: who
 * calls has mixed up two proposals
 */
export function admitVoices({ choices, rules, electorate, voices }: TallyInput): {
  readonly admitted: readonly AdmittedVoice[]
  readonly voided: readonly { readonly member: MemberId; readonly code: string }[]
} {
  const balances = new Map<MemberId, bigint>()
  for (const { member, balance } of electorate) {
    if (balances.has(member)) throw new RangeError(`${member} is in the electorate twice`)
    if (balance < 0n) throw new RangeError(`${member} has a balance below 0`)
    balances.set(member, balance)
  }
  const heard = new Set<MemberId>()
  const admitted: AdmittedVoice[] = []
  const voided: { member: MemberId; code: string }[] = []
  // Voices of one delegate share its ballot: it is read once.
  const read = new Map<Ballot, BallotParts | string>()
  for (const voice of voices) {
    const { member, ballot } = voice
    const balance = balances.get(member)
    if (balance === undefined || balance !== voice.balance) {
      throw new RangeError(`${member} does not have this balance in the electorate`)
    }
    if (heard.has(member)) throw new RangeError(`${member} has two voices`)
    heard.add(member)
    let found = read.get(ballot)
    if (found === undefined) read.set(ballot, (found = codeOr(() => readBallot(ballot, choices, rules))))
    if (typeof found !== 'string' && rules.budget?.kind === 'balance') {
      const parts = found
      found = codeOr(() => {
        checkBudget(parts.cost, balance)
        return parts
      })
    }
    if (typeof found === 'string') voided.push({ member, code: found })
    else admitted.push({ voice, balance, ballot: found })
  }
  return { admitted, voided: voided.toSorted((a, b) => (a.member < b.member ? -1 : 1)) }
}

/** The result, or the code of the error that a ballot meets. */
function codeOr<Result>(read: () => Result): Result | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
    throw error
  }
}
