import type { BundleVerification, MemberId, RecordId } from '@x0t/dao'
import { shortId } from '../commands/dao/find-by-prefix.ts'
import type { NamedMember } from './dao-tally.ts'
import { count } from './dao-words.ts'
import { nameOf } from './dao.ts'
import { safe } from './node.ts'
import { columns, facts } from './table.ts'

/** Result of `dao verify` for a bundle. */
export interface VerifiedBundle extends BundleVerification {
  readonly kind: 'bundle'
  readonly file: string
}

export function verifiedBundleView({ file, dao, records, proposals, checks, ok }: VerifiedBundle): string {
  const parts = [
    facts([
      ['file', file],
      ...(dao === null ? [] : [['DAO', dao] as const]),
      ['holds', count(records, 'record')],
    ]),
  ]
  if (proposals.length > 0)
    parts.push(
      columns(
        ['PROPOSAL', 'COUNTED AGAIN', 'FINAL', 'MEMBERS', 'TALLY', 'TITLE'],
        proposals.map(({ id, tally, isFinal, tallyDigest, title }) => [
          shortId(id),
          tally?.outcome ?? 'CANNOT BE COUNTED',
          isFinal ? 'yes' : 'no',
          tally === null ? '-' : `${tally.turnout.members} of ${tally.electorate.members}`,
          tallyDigest?.slice(0, 16) ?? '-',
          safe(title).slice(0, 40),
        ]),
      ),
    )
  parts.push(
    columns(
      ['CHECK', 'HOLDS', 'FOUND'],
      checks.map(({ check, verdict: said, found, about }) => [
        check,
        { holds: 'yes', noted: 'yes, but', fails: 'NO' }[said],
        `${about === null ? '' : `${shortId(about)}: `}${safe(found)}`,
      ]),
    ),
  )
  const failed = checks.filter((one) => one.verdict === 'fails')
  parts.push(ok ? 'everything adds up' : `! ${count(failed.length, 'finding')}: this does not add up`)
  return parts.join('\n\n')
}

/** Result of `dao verify` for a receipt. */
export interface VerifiedReceipt {
  readonly kind: 'receipt'
  readonly file: string
  readonly ok: boolean
  readonly findings: readonly string[]
  readonly checks: readonly { readonly check: string; readonly holds: boolean; readonly found: string }[]
  /** Null where the file is no receipt at all. */
  readonly ballot: {
    readonly id: RecordId
    readonly dao: RecordId
    readonly proposal: RecordId
    readonly member: { readonly id: MemberId; readonly name: string }
    readonly words: string
    readonly witnesses: readonly NamedMember[]
  } | null
}

export function verifiedReceiptView(report: VerifiedReceipt): string {
  const { ballot, checks } = report
  const parts = [
    facts([
      ['file', report.file],
      ...(ballot === null
        ? []
        : [
            ['proposal', shortId(ballot.proposal)] as const,
            ['ballot', `${safe(ballot.words)}, of ${nameOf(ballot.member)}`] as const,
            ['signed by', ballot.witnesses.map(nameOf).join(', ') || 'nobody'] as const,
          ]),
    ]),
  ]
  if (checks.length > 0)
    parts.push(
      columns(
        ['CHECK', 'HOLDS', 'FOUND'],
        checks.map(({ check, holds, found }) => [check, holds ? 'yes' : 'NO', safe(found)]),
      ),
    )
  parts.push(verdict(report, 'the ballot is in the certified set'))
  return parts.join('\n\n')
}

function verdict(
  { ok, findings }: { readonly ok: boolean; readonly findings: readonly string[] },
  good: string,
): string {
  return ok ? good : findings.map((finding) => `! ${safe(finding)}`).join('\n')
}

/** Result of `dao receipt`. */
export interface IssuedReceipt {
  readonly proposal: RecordId
  readonly title: string
  readonly member: NamedMember
  readonly ballot: RecordId
  readonly words: string
  readonly file: string | null
  /** The receipt itself. */
  readonly receipt: string
}

export function receiptView({ proposal, title, member, words, file, receipt }: IssuedReceipt): string {
  if (file === null) return receipt
  return facts([
    ['proposal', `${shortId(proposal)}  ${safe(title)}`],
    ['ballot', `${safe(words)}, of ${nameOf(member)}`],
    ['receipt', file],
  ])
}
