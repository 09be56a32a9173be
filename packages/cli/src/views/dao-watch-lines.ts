import { shortId } from '../commands/dao/find-by-prefix.ts'
import type { ArrivedRecord, WatchedProposal } from './dao-watch-state.ts'
import { trimmed } from './dao-words.ts'
import { safe } from './node.ts'

/** One record that came, as a line. */
export function arrivedWords({ atMs, id, kind, author, proposal }: ArrivedRecord): string {
  const about = proposal === null ? '' : `  on ${shortId(proposal)}`
  return `${new Date(atMs).toISOString().slice(11, 19)}  ${kind.padEnd(14)} ${shortId(id)}  by ${safe(author)}${about}`
}

/** A proposal as it stands, as a line. */
export function proposalLine({ id, state, voices, electorate, report, title }: WatchedProposal): string {
  const scores = report.tally.scores
    .map(({ choice, score }) => `${safe(report.choices[choice]?.label ?? '')} ${trimmed(score)}`)
    .join(', ')
  return `${shortId(id)}  ${state}  ${voices} of ${electorate}  ${scores}  ${safe(title)}`
}
