import type { Ballot, Choice, MemberId, Rules, TallyInput } from '../src/index.ts'

export const motion: readonly Choice[] = [
  { label: 'yes', role: 'for' },
  { label: 'no', role: 'against' },
  { label: 'abstain', role: 'abstain' },
]

export function options(count: number): readonly Choice[] {
  return Array.from({ length: count }, (_, i) => ({ label: `option ${i}`, role: 'option' }))
}

export const single = (choice: number): Ballot => ({ kind: 'single', choice })

/** An election of members m0, m1, … with a balance each; who has no ballot did not vote. */
export function inputOf(
  rules: Rules,
  choices: readonly Choice[],
  votes: readonly (readonly [balance: string | bigint, ballot?: Ballot | undefined])[],
): TallyInput {
  const electorate = votes.map(([balance], i) => ({ member: `m${i}` as MemberId, balance: BigInt(balance) }))
  return {
    rules,
    choices,
    electorate,
    voices: votes.flatMap(([, ballot], i) =>
      ballot ? [{ ...electorate[i]!, ballot, by: electorate[i]!.member }] : [],
    ),
  }
}
