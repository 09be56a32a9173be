import type { Ballot, RecordId } from '@x0t/dao'
import { shortId } from '../commands/dao/find-by-prefix.ts'
import { formatTokens } from '../commands/dao/token-amount.ts'
import type { NamedMember } from './dao-tally.ts'
import { nameOf } from './dao.ts'
import { safe } from './node.ts'
import { facts } from './table.ts'

/** Result of `dao vote`. */
export interface CastVote {
  readonly proposal: RecordId
  readonly title: string
  readonly member: NamedMember
  readonly ballot: Ballot
  /** The ballot with the labels of the choices. */
  readonly words: string
  /** Base units, as the snapshot has them. */
  readonly balance: string
  /** The own ballot before, which this one takes the place of. */
  readonly replaces: string | null
  readonly token: { readonly decimals: number; readonly symbol: string }
  /** Null with --dry-run. */
  readonly record: RecordId | null
  /** Where --sign-only wrote it. */
  readonly file: string | null
}

export function voteView(vote: CastVote): string {
  return facts([
    ['proposal', `${shortId(vote.proposal)}  ${safe(vote.title)}`],
    ['as', `${nameOf(vote.member)}, ${formatTokens(vote.balance, vote.token.decimals, vote.token.symbol)}`],
    ['ballot', safe(vote.words)],
    ...(vote.replaces === null ? [] : [['replaces', safe(vote.replaces)] as const]),
    ['signed', vote.record === null ? 'NO: dry run' : shortId(vote.record)],
    ...(vote.file === null ? [] : [['written to', vote.file] as const]),
  ])
}
