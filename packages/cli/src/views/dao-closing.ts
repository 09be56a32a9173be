import type { ProposalState, RecordId, TallyOutcome } from '@x0t/dao'
import { shortId } from '../commands/dao/find-by-prefix.ts'
import type { NamedMember } from './dao-tally.ts'
import { moment } from './dao-words.ts'
import { nameOf } from './dao.ts'
import { safe } from './node.ts'
import { facts } from './table.ts'

/** What a witness signed. */
export interface SignedStep {
  readonly step: 'declare' | 'propose' | 'prepare' | 'commit'
  readonly round: number | null
  readonly record: RecordId
}

/** Result of `dao close`. */
export interface ClosingReport {
  readonly proposal: RecordId
  readonly title: string
  readonly state: ProposalState
  /** Null before there is a certificate. */
  readonly outcome: TallyOutcome | null
  readonly isCertified: boolean
  readonly round: number
  readonly phase: 'open' | 'declaring' | 'gathering' | 'agreeing' | 'certified'
  readonly signed: readonly SignedStep[]
  readonly heard: readonly NamedMember[]
  readonly missing: readonly NamedMember[]
  /** Witnesses that have to sign. */
  readonly needed: number
  readonly endsMs: number
}

export function closingView(report: ClosingReport): string {
  const { heard, missing, needed, signed } = report
  return facts([
    ['proposal', `${shortId(report.proposal)}  ${safe(report.title)}`],
    ['signed now', signed.map(stepWords).join(', ') || 'nothing'],
    ['heard from', heard.map(nameOf).join(', ') || 'nobody'],
    ['missing', missing.map(nameOf).join(', ') || 'nobody'],
    ['needed', `${needed} of ${heard.length + missing.length} witnesses`],
    ['stands', standing(report)],
  ])
}

function stepWords({ step, round }: SignedStep): string {
  return round === null || round === 0 ? step : `${step} of round ${round + 1}`
}

function standing({ phase, isCertified, outcome, heard, needed, endsMs }: ClosingReport): string {
  if (isCertified)
    return outcome === null ? 'certified, but a ballot of the set is not here yet' : `certified: ${outcome}`
  if (phase === 'open') return `the vote is not over: ${moment(endsMs)}, grace included`
  if (heard.length < needed) return 'more witnesses must say what ballots they hold: exchange records'
  return 'the witnesses agree on the ballots: exchange records, and run it again'
}
