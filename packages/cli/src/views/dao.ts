import type { Action, Choice, Constitution, MemberId, Method, ProposalState, RecordId, Rules } from '@x0t/dao'
import { actionWords } from '@x0t/dao'
import { shortId } from '../commands/dao/find-by-prefix.ts'
import { quorumWords, supportWords } from '../commands/dao/rules-text.ts'
import { formatTokens } from '../commands/dao/token-amount.ts'
import { methodWords, type NamedMember } from './dao-tally.ts'
import { away, count, moment, stateLine } from './dao-words.ts'
import { safe } from './node.ts'
import { columns, facts } from './table.ts'
import { shortDuration } from './units.ts'

/** A proposal in a list. */
export interface ProposalSummary {
  readonly id: RecordId
  readonly title: string
  readonly state: ProposalState
  readonly isFinal: boolean
  readonly method: Method
  readonly author: NamedMember
  readonly opensMs: number
  readonly closesMs: number
  /** Members whose say is known, delegated ones included. */
  readonly voices: number
  readonly electorate: number
}

/** Result of `dao list`. */
export interface ProposalList {
  readonly dao: RecordId
  readonly name: string
  readonly proposals: readonly ProposalSummary[]
}

export function proposalListView({ name, proposals }: ProposalList, nowMs: number): string {
  if (proposals.length === 0) return `${safe(name)}: no proposals; x0t dao propose --title …`
  return columns(
    ['PROPOSAL', 'STATE', 'ENDS', 'BALLOTS', 'METHOD', 'TITLE'],
    proposals.map((one) => [
      shortId(one.id),
      one.state,
      one.state === 'pending' ? `opens ${away(one.opensMs, nowMs)}` : away(one.closesMs, nowMs),
      `${one.voices} of ${one.electorate}`,
      one.method,
      safe(one.title).slice(0, 60),
    ]),
  )
}

/** Result of `dao show` and of `dao propose`. */
export interface ProposalDetails extends Omit<ProposalSummary, 'id'> {
  /** Null before it is signed. */
  readonly id: RecordId | null
  readonly text: string
  readonly choices: readonly Choice[]
  readonly rules: Rules
  readonly actions: readonly Action[]
  readonly graceMs: number
  readonly timelockMs: number
  readonly expiresMs: number
  readonly snapshotRoot: string
  readonly witnesses: readonly NamedMember[]
  readonly vetoes: readonly { readonly by: NamedMember; readonly reason: string }[]
  readonly executions: readonly {
    readonly node: NamedMember
    readonly action: number
    readonly outcome: 'executed' | 'failed'
    readonly detail: string
  }[]
  readonly culprits: readonly NamedMember[]
  /** Members of whom the electorate leaves out older changes of the registry. */
  readonly leftOut: readonly NamedMember[]
  readonly token: { readonly decimals: number; readonly symbol: string }
  /** How a ballot is written. */
  readonly ballotSyntax: string
  /** What this home's member said last; absent where it has no ballot. */
  readonly ownBallot?: string
}

/** The proposal with every rule it is decided by. */
export function proposalView(proposal: ProposalDetails, nowMs: number): string {
  const head = facts([
    ['proposal', proposal.id === null ? 'not signed yet' : shortId(proposal.id)],
    ...(proposal.id === null ? [] : [['id', proposal.id] as const]),
    ['title', safe(proposal.title)],
    ['by', nameOf(proposal.author)],
    ['state', stateLine(proposal.state)],
    ...(proposal.ownBallot === undefined ? [] : [['own ballot', safe(proposal.ownBallot)] as const]),
  ])
  const text = proposal.text === '' ? [] : [proposal.text.split('\n').map(safe).join('\n')]
  const choices = columns(
    ['', 'CHOICE', 'ROLE'],
    proposal.choices.map(({ label, role }, index) => [String(index + 1), safe(label), role]),
  )
  return [
    head,
    ...text,
    choices,
    ...actionsPart(proposal),
    facts(rulesRows(proposal, nowMs)),
    ...endPart(proposal),
  ].join('\n\n')
}

function rulesRows(proposal: ProposalDetails, nowMs: number): [string, string][] {
  const { rules, token, closesMs, opensMs } = proposal
  return [
    ...rulesFacts(rules, token),
    ['a ballot is', proposal.ballotSyntax],
    ['opens', `${moment(opensMs)}, ${away(opensMs, nowMs)}`],
    [
      'closes',
      `${moment(closesMs)}, ${away(closesMs, nowMs)}, and ${shortDuration(proposal.graceMs)} of grace`,
    ],
    ...(proposal.actions.length === 0
      ? []
      : ([
          ['timelock', `${shortDuration(proposal.timelockMs)} after the certificate`],
          ['expires', `${shortDuration(proposal.expiresMs)} after the timelock`],
        ] as [string, string][])),
    ['electorate', `${count(proposal.electorate, 'member')}, snapshot ${proposal.snapshotRoot.slice(0, 16)}`],
    ...(proposal.leftOut.length === 0
      ? []
      : ([['left out', `older changes of ${proposal.leftOut.map(nameOf).join(', ')}`]] as [
          string,
          string,
        ][])),
    ['witnesses', proposal.witnesses.map(nameOf).join(', ') || 'none'],
    ['ballots', `${proposal.voices} of ${proposal.electorate}`],
  ]
}

/** Every rule, none left to habit. */
export function rulesFacts(
  rules: Rules,
  token: { readonly decimals: number; readonly symbol: string },
): [string, string][] {
  return [
    ['method', methodWords(rules)],
    ['decides', rules.decides === 'support' ? 'whether: by support' : 'which: the largest score'],
    ['support', supportWords(rules.support)],
    ['quorum', quorumWords(rules, (amount) => formatTokens(amount, token.decimals, token.symbol))],
    ['tie', tieWords(rules)],
    ['early close', rules.closesEarly ? 'once no ballot can change the outcome' : 'no'],
    [
      'late quorum',
      rules.lateQuorumMs === null
        ? 'changes nothing'
        : `reached in the last ${shortDuration(rules.lateQuorumMs)}: the end moves by as much`,
    ],
    ['published', `roots with ${rules.decimals} decimals; decisions are exact`],
  ]
}

function tieWords({ decides, tiebreak }: Rules): string {
  if (decides === 'support') return 'as much for as against is not enough'
  return tiebreak === 'none' ? 'stays a tie: nothing is chosen' : `broken by ${tiebreak}`
}

function actionsPart({ actions, executions }: ProposalDetails): string[] {
  if (actions.length === 0) return []
  return [
    columns(
      ['', 'ACTION', 'DONE ON'],
      actions.map((action, index) => {
        const of = executions.filter((one) => one.action === index)
        const done = of.filter(({ outcome }) => outcome === 'executed').length
        const failed = of.filter(({ outcome }) => outcome === 'failed')
        const words = of.length === 0 ? '-' : count(done, 'node')
        return [
          String(index + 1),
          safe(actionWords(action)),
          failed.length === 0
            ? words
            : `${words}; FAILED on ${failed.map(({ node, detail }) => `${nameOf(node)}: ${safe(detail)}`).join(', ')}`,
        ]
      }),
    ),
  ]
}

function endPart({ vetoes, culprits }: ProposalDetails): string[] {
  const rows: [string, string][] = [
    ...vetoes.map(({ by, reason }): [string, string] => ['VETO', `${nameOf(by)}: ${safe(reason)}`]),
    ...culprits.map((member): [string, string] => ['SIGNED TWICE', nameOf(member)]),
  ]
  return rows.length === 0 ? [] : [facts(rows)]
}

/** Result of `dao init`. */
export interface CreatedDao {
  readonly dao: RecordId
  readonly home: string
  readonly constitution: Constitution
  readonly members: readonly (NamedMember & { readonly balance: string })[]
  /** True where this command made the home's keys. */
  readonly madeKeys: boolean
}

export function createdDaoView({ dao, home, constitution, members }: CreatedDao): string {
  const { name, symbol, tokenDecimals, registrars, registrarsNeeded, witnesses, guardians, rules } =
    constitution
  const names = new Map<MemberId, string>(members.map((member) => [member.id, member.name]))
  const list = (ids: readonly MemberId[]): string =>
    ids.map((id) => nameOf({ id, name: names.get(id) ?? '' })).join(', ') || 'nobody'
  const token = { decimals: tokenDecimals, symbol }
  return facts([
    ['DAO', `${safe(name)}  ${shortId(dao)}`],
    ['id', dao],
    ['home', home],
    [
      'members',
      members.map((one) => `${nameOf(one)} ${formatTokens(one.balance, tokenDecimals, symbol)}`).join(', '),
    ],
    ['registrars', `${list(registrars)}; ${registrarsNeeded} together`],
    ['witnesses', witnesses === 'members' ? 'all members' : list(witnesses)],
    ['guardians', list(guardians)],
    ...rulesFacts(rules, token),
    [
      'times',
      `voting ${shortDuration(constitution.votingMs)}, grace ${shortDuration(constitution.graceMs)}, ` +
        `timelock ${shortDuration(constitution.timelockMs)}, expires ${shortDuration(constitution.expiresMs)}`,
    ],
  ])
}

export function nameOf({ id, name }: NamedMember): string {
  return name === '' ? id.slice(0, 10) : safe(name)
}
