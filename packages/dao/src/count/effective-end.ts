import type { TallyInput } from '../tally.ts'
import type { MemberId } from '../record.ts'
import { admitVoices, type AdmittedVoice } from './admit-voices.ts'
import { participationOf } from './participation.ts'
import { quorumCheck } from './quorum.ts'

/**
 * When a proposal ends. A quorum that is first reached at t moves the end to t + `lateQuorumMs` where that is later
 * (OpenZeppelin's GovernorPreventLateQuorum): nobody can complete it in the last minute and leave no time to answer.
 * What was seen after `closesMs` moves nothing. Times are those of one witness: they decide when it stops taking
 * ballots, not what counts.
 * @param seenAtMs when the ballot of each voice came, by the member whose voice it is
 */
export function effectiveEndMs(
  input: TallyInput,
  { closesMs, seenAtMs }: { readonly closesMs: number; readonly seenAtMs: (member: MemberId) => number },
): number {
  const { lateQuorumMs, quorum } = input.rules
  if (lateQuorumMs === null || quorum === null) return closesMs
  const { admitted, balances } = admitVoices(input)
  const inTime = admitted
    .map((one) => ({ one, atMs: seenAtMs(one.voice.member) }))
    .filter(({ atMs }) => atMs <= closesMs)
    .toSorted((a, b) => a.atMs - b.atMs)
  const isReached = (count: number): boolean => {
    const voices: readonly AdmittedVoice[] = inTime.slice(0, count).map(({ one }) => one)
    const participation = participationOf({ admitted: voices, balances, choices: input.choices }, quorum)
    return quorumCheck(quorum, participation, input.rules.decimals).holds
  }
  if (!isReached(inTime.length)) return closesMs
  // More ballots never lose a quorum: the fewest that reach it are found by halves.
  let [few, enough] = [-1, inTime.length]
  while (enough - few > 1) {
    const middle = (few + enough) >> 1
    if (isReached(middle)) enough = middle
    else few = middle
  }
  return enough === 0 ? closesMs : Math.max(closesMs, inTime[enough - 1]!.atMs + lateQuorumMs)
}
