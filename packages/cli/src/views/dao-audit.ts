import type { Concentration, Equivocation, RecordId, RejectedRecord } from '@x0t/dao'
import { shortId } from '../commands/dao/find-by-prefix.ts'
import { formatTokens } from '../commands/dao/token-amount.ts'
import type { NamedMember } from './dao-tally.ts'
import { count } from './dao-words.ts'
import { nameOf } from './dao.ts'
import { safe } from './node.ts'
import { columns, facts } from './table.ts'

/** Result of `dao audit`. */
export interface AuditReport {
  readonly dao: RecordId
  readonly name: string
  readonly records: number
  readonly token: { readonly decimals: number; readonly symbol: string }
  readonly equivocations: readonly (Omit<Equivocation, 'author'> & { readonly author: NamedMember })[]
  readonly rejected: readonly RejectedRecord[]
  /** Proposals that stand still, and whom they wait for. */
  readonly stuck: readonly {
    readonly proposal: RecordId
    readonly title: string
    readonly state: string
    readonly missing: readonly NamedMember[]
    readonly culprits: readonly NamedMember[]
  }[]
  /** Changes of the registry that too few registrars have signed. */
  readonly pending: readonly {
    readonly member: NamedMember
    readonly kind: string
    readonly signed: readonly NamedMember[]
    readonly needed: number
  }[]
  /** Each member's part in the weight, and what it would gain by being two or ten. */
  readonly sybil: readonly {
    readonly member: NamedMember
    readonly balance: string
    readonly weight: string
    readonly sharePercent: string
    readonly shareIfTwoPercent: string
    readonly shareIfTenPercent: string
  }[]
  readonly concentration: { readonly tokens: Concentration; readonly weight: Concentration }
  /** Findings that end the command with exit code 3. */
  readonly findings: readonly string[]
}

export function auditView(report: AuditReport): string {
  const { token } = report
  const parts = [
    facts([
      ['DAO', `${safe(report.name)}  ${shortId(report.dao)}`],
      ['records', String(report.records)],
      ['equivocations', String(report.equivocations.length)],
      ['rejected', String(report.rejected.filter(({ isWaiting }) => !isWaiting).length)],
      ['waiting', String(report.rejected.filter(({ isWaiting }) => isWaiting).length)],
    ]),
  ]
  if (report.equivocations.length > 0)
    parts.push(
      columns(
        ['SIGNED TWO RECORDS', 'LANE', 'NUMBER', 'RECORDS'],
        report.equivocations.map(({ author, lane, seq, records }) => [
          nameOf(author),
          laneWords(lane),
          String(seq),
          records.map(shortId).join(', '),
        ]),
      ),
    )
  if (report.rejected.length > 0)
    parts.push(
      columns(
        ['RECORD', 'COUNTS FOR NOTHING', 'WAITS'],
        report.rejected.map(({ id, code, isWaiting }) => [
          shortId(id),
          code,
          isWaiting ? 'for what it builds on' : 'no',
        ]),
      ),
    )
  if (report.stuck.length > 0)
    parts.push(
      columns(
        ['PROPOSAL', 'STATE', 'WAITS FOR', 'SIGNED TWICE', 'TITLE'],
        report.stuck.map(({ proposal, state, missing, culprits, title }) => [
          shortId(proposal),
          state,
          missing.map(nameOf).join(', ') || '-',
          culprits.map(nameOf).join(', ') || '-',
          safe(title).slice(0, 40),
        ]),
      ),
    )
  if (report.pending.length > 0)
    parts.push(
      columns(
        ['CHANGE', 'MEMBER', 'SIGNED BY', 'NEEDED'],
        report.pending.map(({ member, kind, signed, needed }) => [
          kind,
          nameOf(member),
          signed.map(nameOf).join(', '),
          String(needed),
        ]),
      ),
    )
  if (report.sybil.length > 0)
    parts.push(
      facts([
        [
          'largest',
          `${report.concentration.tokens.largestPercent} % of the tokens, ${report.concentration.weight.largestPercent} % of the weight`,
        ],
        [
          'half',
          `${count(report.concentration.tokens.membersForHalf, 'member')} by tokens, ${report.concentration.weight.membersForHalf} by weight`,
        ],
      ]),
      `${columns(
        ['MEMBER', 'BALANCE', 'WEIGHT', 'SHARE', 'AS TWO MEMBERS', 'AS TEN'],
        report.sybil.map((one) => [
          nameOf(one.member),
          formatTokens(one.balance, token.decimals, token.symbol),
          one.weight,
          `${one.sharePercent} %`,
          `${one.shareIfTwoPercent} %`,
          `${one.shareIfTenPercent} %`,
        ]),
      )}\nShares of the weight. Splitting a balance over k members gives √k times the weight: admit persons, not keys.`,
    )
  parts.push(
    report.findings.length === 0
      ? 'nothing found wanting'
      : report.findings.map((finding) => `! ${safe(finding)}`).join('\n'),
  )
  return parts.join('\n\n')
}

function laneWords(lane: string): string {
  const [kind = lane, rest] = lane.split(':')
  return rest === undefined ? kind : `${kind} ${shortId(rest)}`
}
