import type { Ballot, Choice, DaoState, ProposalView, Rules, Voice } from '@x0t/dao'
import type { ExplainedVoice } from '../../views/dao-tally.ts'
import { ballotWords } from './ballot-text.ts'
import { named } from './proposal-report.ts'
import { publishedRoot } from './published-root.ts'

/** What each ballot adds to each choice, with whose it is. */
export async function explainVoices(state: DaoState, view: ProposalView): Promise<readonly ExplainedVoice[]> {
  const { tally } = await import('@x0t/dao')
  const { choices, rules } = view.record.body
  return view.voices.map((voice) => ({
    member: named(state, voice.member),
    by: named(state, voice.by),
    ballot: ballotWords(voice.ballot, choices),
    balance: String(voice.balance),
    adds:
      rules.method === 'quadratic-funding' ? rootsOf(voice, rules) : addsOf(tally, voice, { choices, rules }),
  }))
}

/** Every method but one adds up: what a count of this voice alone gives. Ranks add in the first round. */
function addsOf(
  tally: typeof import('@x0t/dao').tally,
  { member, balance, ballot }: Voice,
  { choices, rules }: { readonly choices: readonly Choice[]; readonly rules: Rules },
): ExplainedVoice['adds'] {
  const { scores, rounds } = tally({
    choices,
    rules: { ...rules, quorum: null, lateQuorumMs: null },
    electorate: [{ member, balance }],
    voices: [{ member, balance, ballot, by: member }],
  })
  const found = rules.method === 'ranked-choice' ? rounds[0] : undefined
  return scores
    .map(({ choice, score }) => ({ choice, score: found?.[choice] ?? score }))
    .filter(({ score }) => !/^-?0(?:\.0*)?$/.test(score))
}

/** Quadratic funding adds up roots of shares and squares the sum: the root is what a ballot brings. */
function rootsOf({ balance, ballot }: Voice, { decimals }: Rules): ExplainedVoice['adds'] {
  const shares = sharesOf(ballot)
  const all = shares.reduce((sum, [, share]) => sum + share, 0n)
  return shares
    .filter(([, share]) => share > 0n)
    .map(([choice, share]) => ({ choice, score: `√ ${publishedRoot(balance * share, decimals, all)}` }))
}

/** Shares as whole numbers in proportion: all with as many decimals as the longest has. */
function sharesOf(ballot: Ballot): readonly (readonly [choice: number, share: bigint])[] {
  if (ballot.kind === 'single') return [[ballot.choice, 1n]]
  if (ballot.kind !== 'shares') return []
  const places = Math.max(...ballot.shares.map(([, text]) => text.split('.')[1]?.length ?? 0))
  return ballot.shares.map(([choice, text]) => {
    const [whole = '', part = ''] = text.split('.')
    return [choice, BigInt(whole + part.padEnd(places, '0'))]
  })
}
