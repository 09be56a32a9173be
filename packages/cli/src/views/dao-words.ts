import type { ProposalState, Tally } from '@x0t/dao'
import { shortDuration } from './units.ts'

/** What each state means to a voter. */
const stateWords: Readonly<Record<ProposalState, string>> = {
  pending: 'not open yet',
  open: 'open for ballots',
  closing: 'ended; the witnesses agree on the ballots',
  unsealed: 'ended; too few witnesses signed: nothing is final',
  passed: 'passed',
  defeated: 'defeated',
  tied: 'tied: nothing was chosen',
  'no-quorum': 'too few took part',
  queued: 'passed; waits for its timelock',
  executed: 'passed and executed',
  failed: 'passed, but an action failed',
  vetoed: 'passed, but vetoed',
  expired: 'passed, but not executed in time',
  canceled: 'canceled by its author',
  halted: 'halted: there are two certificates over different ballots',
}

/** The state, and what it means where that says more. */
export function stateLine(state: ProposalState): string {
  return stateWords[state] === state ? state : `${state}: ${stateWords[state]}`
}

/** A bar of `width` cells for a share of 0 to 1, in eighths of a cell. */
export function bar(ratio: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, ratio)) * width * 8)
  const part = eighths % 8
  return '█'.repeat(Math.floor(eighths / 8)) + (part === 0 ? '' : '▏▎▍▌▋▊▉'[part - 1]!)
}

/** A published decimal without the zeros at its end: `7.000000000` is `7`. */
export function trimmed(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal
}

/** Shares of the scores for bars, 0 to 1: of all, or of the largest where that means nothing. */
export function barRatios(scores: Tally['scores']): readonly number[] {
  if (scores.every(({ percent }) => percent !== null))
    return scores.map(({ percent }) => Number(percent) / 100)
  const values = scores.map(({ score }) => Math.max(0, Number(score)))
  const most = Math.max(...values)
  return values.map((value) => (most === 0 ? 0 : value / most))
}

/** A moment in UTC, to the second. */
export function moment(wallMs: number): string {
  if (!Number.isFinite(wallMs) || Math.abs(wallMs) > 8.64e15) return 'at no date'
  return `${new Date(wallMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** How far a moment is away: `in 3d 4h`, `2h ago`. */
export function away(atMs: number, nowMs: number): string {
  const leftMs = atMs - nowMs
  return leftMs >= 0 ? `in ${shortDuration(leftMs)}` : `${shortDuration(-leftMs)} ago`
}

/** `1 ballot`, `2 ballots`. */
export function count(number: number, noun: string): string {
  return `${number} ${number === 1 ? noun : `${noun}s`}`
}
