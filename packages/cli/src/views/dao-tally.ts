import type { Choice, MemberId, ProposalState, RecordId, Rules, Tally } from '@x0t/dao'
import { formatTokens } from '../commands/dao/token-amount.ts'
import { shortId } from '../commands/dao/find-by-prefix.ts'
import { away, bar, barRatios, count, moment, stateLine, trimmed } from './dao-words.ts'
import { safe } from './node.ts'
import { columns, facts } from './table.ts'

/** A member as a result names it. */
export interface NamedMember {
  readonly id: MemberId
  readonly name: string
}

/** Why one member's say weighs what it does. */
export interface ExplainedVoice {
  readonly member: NamedMember
  /** Whose ballot it is: the member itself, or its delegate. */
  readonly by: NamedMember
  readonly ballot: string
  /** Base units. */
  readonly balance: string
  /** What it adds to each choice's score, as a decimal, published precision. */
  readonly adds: readonly { readonly choice: number; readonly score: string }[]
}

/** Result of `dao tally`. */
export interface TallyReport {
  readonly proposal: RecordId
  readonly title: string
  readonly state: ProposalState
  /** True once the ballots are certified: no later record changes the numbers. */
  readonly isFinal: boolean
  readonly choices: readonly Choice[]
  readonly rules: Rules
  readonly tally: Tally
  /** SHA-256 of the tally's bytes, hexadecimal: equal wherever the same ballots were counted. */
  readonly tallySha256: string
  readonly certificate: {
    readonly root: string
    readonly round: number
    readonly count: number
    readonly witnesses: readonly NamedMember[]
  } | null
  readonly missingWitnesses: readonly NamedMember[]
  /** When its actions may be carried out; null before the certificate, and where there are none. */
  readonly executableAtMs: number | null
  readonly token: { readonly decimals: number; readonly symbol: string }
  /** Only with --explain. */
  readonly explained?: readonly ExplainedVoice[]
}

const barWidth = 30

export function tallyView(report: TallyReport, nowMs: number): string {
  const { tally, choices, state, isFinal } = report
  const head = facts([
    ['proposal', `${shortId(report.proposal)}  ${safe(report.title)}`],
    ['state', stateLine(state)],
    ['result', isFinal ? 'final: the ballots are certified' : 'PROVISIONAL: ballots may come or be missing'],
    [isFinal ? 'outcome' : 'so far', outcomeWords(report)],
    ['method', methodWords(report.rules)],
  ])
  const parts = [head, scoresTable(tally, choices)]
  if (tally.rounds.length > 0) parts.push(roundsTable(tally, choices))
  if (tally.checks.length > 0) parts.push(checksTable(tally, report))
  parts.push(facts(tailRows(report, nowMs)))
  if (report.explained !== undefined) parts.push(explainedTable(report.explained, report))
  return parts.join('\n\n')
}

/** Result of `dao count`: an election that is not of this DAO. */
export interface CountedElection {
  readonly file: string
  readonly choices: readonly Choice[]
  readonly rules: Rules
  readonly tally: Tally
  readonly tallySha256: string
}

export function electionView(election: CountedElection): string {
  const { choices, rules, tally, tallySha256 } = election
  const { turnout, electorate, voided } = tally
  const parts = [
    facts([
      ['election', election.file],
      ['outcome', outcomeWords(election)],
      ['method', methodWords(rules)],
    ]),
    scoresTable(tally, choices),
  ]
  if (tally.rounds.length > 0) parts.push(roundsTable(tally, choices))
  if (tally.checks.length > 0) parts.push(checksTable(tally, { rules, token: { decimals: 0, symbol: '' } }))
  parts.push(
    facts([
      [
        'turnout',
        `${turnout.members} of ${count(electorate.members, 'member')}, ${turnout.tokens} of ${electorate.tokens} base units`,
      ],
      ...voided.map(({ member, code }): [string, string] => ['void', `${safe(member)}: ${code}`]),
      ['tally', `sha256 ${tallySha256}`],
    ]),
  )
  return parts.join('\n\n')
}

/** Scores with a bar each. */
export function scoresTable(tally: Tally, choices: readonly Choice[], width = barWidth): string {
  const ratios = barRatios(tally.scores)
  return columns(
    ['', 'CHOICE', 'SCORE', 'SHARE', 'BALLOTS', ''],
    tally.scores.map(({ choice, score, percent, ballots }, index) => [
      tally.winner === choice ? '*' : tally.leaders.includes(choice) && tally.leaders.length > 1 ? '=' : ' ',
      safe(choices[choice]?.label ?? `choice ${choice + 1}`),
      trimmed(score),
      percent === null ? '-' : `${percent} %`,
      String(ballots),
      bar(ratios[index]!, width),
    ]),
  )
}

function roundsTable({ rounds, scores }: Tally, choices: readonly Choice[]): string {
  return columns(
    ['CHOICE', ...rounds.map((_, index) => `ROUND ${index + 1}`)],
    scores.map(({ choice }) => [
      safe(choices[choice]?.label ?? String(choice + 1)),
      ...rounds.map((round) => trimmed(round[choice] ?? '-')),
    ]),
  )
}

function checksTable({ checks }: Tally, { token, rules }: Pick<TallyReport, 'token' | 'rules'>): string {
  const amount = (text: string, unit: string | null): string => {
    const shown =
      unit === 'tokens' && /^\d+$/.test(text)
        ? formatTokens(text, token.decimals, token.symbol)
        : trimmed(text)
    return unit === null || unit === 'tokens' ? shown : `${shown} ${unit}`
  }
  const needs = (rule: Tally['checks'][number]['rule']): string => {
    if (rule === 'quorum') return 'at least '
    if (rule === 'support') return rules.support?.isStrict === true ? 'more than ' : 'at least '
    return ''
  }
  return columns(
    ['RULE', 'HOLDS', 'FOUND', 'NEEDED'],
    checks.map(({ rule, holds, found, needed, unit }) => [
      rule,
      holds ? 'yes' : 'NO',
      amount(found, unit),
      `${needs(rule)}${amount(needed, unit)}`,
    ]),
  )
}

function tailRows(report: TallyReport, nowMs: number): [string, string][] {
  const { tally, token, certificate, missingWitnesses } = report
  const { turnout, electorate } = tally
  const tokens = (amount: string): string => formatTokens(amount, token.decimals)
  const rows: [string, string][] = [
    [
      'turnout',
      `${turnout.members} of ${count(electorate.members, 'member')}, ` +
        `${tokens(turnout.tokens)} of ${tokens(electorate.tokens)} ${token.symbol || 'tokens'}, ` +
        `weight ${trimmed(turnout.weight)} of ${trimmed(electorate.weight)}`,
    ],
  ]
  for (const { member, code } of tally.voided) rows.push(['void', `${member.slice(0, 10)}: ${code}`])
  if (certificate !== null)
    rows.push([
      'certificate',
      `round ${certificate.round + 1}, ${count(certificate.count, 'record')}, root ${certificate.root.slice(0, 16)}, ` +
        `signed by ${certificate.witnesses.map(nameOf).join(', ')}`,
    ])
  if (missingWitnesses.length > 0) rows.push(['missing', missingWitnesses.map(nameOf).join(', ')])
  if (report.executableAtMs !== null)
    rows.push(['timelock', `ends ${moment(report.executableAtMs)}, ${away(report.executableAtMs, nowMs)}`])
  rows.push(['tally', `sha256 ${report.tallySha256}`])
  return rows
}

function explainedTable(voices: readonly ExplainedVoice[], { choices, token }: TallyReport): string {
  if (voices.length === 0) return 'no ballot counts'
  return columns(
    ['MEMBER', 'BALANCE', 'BALLOT', 'OF', 'ADDS'],
    voices.map(({ member, by, ballot, balance, adds }) => [
      nameOf(member),
      formatTokens(balance, token.decimals, token.symbol),
      safe(ballot),
      by.id === member.id ? 'own' : `delegate ${nameOf(by)}`,
      adds
        .map(({ choice, score }) => `${safe(choices[choice]?.label ?? String(choice + 1))} ${trimmed(score)}`)
        .join(', ') || '-',
    ]),
  )
}

function outcomeWords({ tally, choices }: Pick<TallyReport, 'tally' | 'choices'>): string {
  const label = (choice: number): string => safe(choices[choice]?.label ?? `choice ${choice + 1}`)
  if (tally.outcome === 'tied') return `tied: ${tally.leaders.map(label).join(', ')}`
  if (tally.winner !== null) return `${tally.outcome}: ${label(tally.winner)}`
  return tally.outcome
}

/** What the method makes of a ballot, in a line. */
export function methodWords({ method, split, budget }: Rules): string {
  const words: Readonly<Record<Rules['method'], string>> = {
    'quadratic-weight': `a ballot weighs the square root of the tokens${split === 'linear' ? ', split by shares' : ''}`,
    'quadratic-credits':
      'n votes cost n² credits' +
      (budget === null ? '' : budget.kind === 'balance' ? ' of the balance' : ` of ${budget.credits}`),
    'quadratic-funding': 'a choice scores the square of the sum of roots (what Snapshot calls quadratic)',
    linear: 'a ballot weighs its tokens',
    approval: 'a ballot counts for each choice it approves of',
    'ranked-choice': 'the last choice of each round drops out',
    weighted: 'the tokens are split by shares',
  }
  return `${method}: ${words[method]}`
}

function nameOf({ id, name }: NamedMember): string {
  return name === '' ? id.slice(0, 10) : safe(name)
}
