import type { DaoState, MemberId, ProposalBody, ProposalResult, ProposalView } from '@x0t/dao'
import type { NamedMember, TallyReport } from '../../views/dao-tally.ts'
import type { ProposalDetails, ProposalSummary } from '../../views/dao.ts'
import { ballotSyntax, ballotWords } from './ballot-text.ts'

/** A member with the name that the registry has for it. */
export function named(state: DaoState, id: MemberId): NamedMember {
  return { id, name: state.members.get(id)?.name ?? '' }
}

/** How the amounts of a DAO are written. */
export function tokenOf({ constitution }: DaoState): { readonly decimals: number; readonly symbol: string } {
  return { decimals: constitution.tokenDecimals, symbol: constitution.symbol }
}

export function summaryOf(state: DaoState, view: ProposalView, result: ProposalResult): ProposalSummary {
  const { id, record, voices, electorate } = view
  const { title, rules, opensMs, closesMs } = record.body
  return {
    id,
    title,
    state: result.state,
    isFinal: result.isFinal,
    method: rules.method,
    author: named(state, record.author),
    opensMs,
    closesMs,
    voices: voices.length,
    electorate: electorate.length,
  }
}

/** A proposal with all that decides it. */
export function detailsOf(
  state: DaoState,
  view: ProposalView,
  result: ProposalResult,
  own?: MemberId,
): ProposalDetails {
  const { record, vetoes, executions, culprits } = view
  const voice = view.voices.find(({ member }) => member === own)
  return {
    ...summaryOf(state, view, result),
    ...rulesPart(record.body),
    witnesses: record.body.witnesses.map((id) => named(state, id)),
    vetoes: vetoes.map(({ author, body }) => ({ by: named(state, author), reason: body.reason })),
    executions: executions.map(({ author, body }) => ({
      node: named(state, author),
      action: body.action,
      outcome: body.outcome,
      detail: body.detail,
    })),
    culprits: culprits.map((id) => named(state, id)),
    leftOut: [...new Set(view.leftOut.map(({ member }) => member))].map((id) => named(state, id)),
    token: tokenOf(state),
    ...(voice === undefined ? {} : { ownBallot: ballotWords(voice.ballot, record.body.choices) }),
  }
}

/** A proposal that nobody has signed yet, in the same form. */
export function draftDetailsOf(
  state: DaoState,
  body: ProposalBody,
  {
    author,
    electorate,
    nowMs,
  }: { readonly author: MemberId; readonly electorate: number; readonly nowMs: number },
): ProposalDetails {
  return {
    id: null,
    title: body.title,
    state: nowMs < body.opensMs ? 'pending' : 'open',
    isFinal: false,
    method: body.rules.method,
    author: named(state, author),
    opensMs: body.opensMs,
    closesMs: body.closesMs,
    voices: 0,
    electorate,
    ...rulesPart(body),
    witnesses: body.witnesses.map((id) => named(state, id)),
    vetoes: [],
    executions: [],
    culprits: [],
    leftOut: [],
    token: tokenOf(state),
  }
}

function rulesPart(
  body: ProposalBody,
): Pick<
  ProposalDetails,
  | 'text'
  | 'choices'
  | 'rules'
  | 'actions'
  | 'graceMs'
  | 'timelockMs'
  | 'expiresMs'
  | 'snapshotRoot'
  | 'ballotSyntax'
> {
  const { text, choices, rules, actions, graceMs, timelockMs, expiresMs, snapshotRoot } = body
  return {
    text,
    choices,
    rules,
    actions,
    graceMs,
    timelockMs,
    expiresMs,
    snapshotRoot: Buffer.from(snapshotRoot).toString('hex'),
    ballotSyntax: ballotSyntax(rules),
  }
}

/** The count of a proposal as people and programs read it. */
export function tallyReportOf(
  state: DaoState,
  view: ProposalView,
  result: ProposalResult,
  tallySha256: string,
): TallyReport {
  const { id, record, certificate } = view
  return {
    proposal: id,
    title: record.body.title,
    state: result.state,
    isFinal: result.isFinal,
    choices: record.body.choices,
    rules: record.body.rules,
    tally: result.tally,
    tallySha256,
    certificate:
      certificate === null
        ? null
        : {
            root: Buffer.from(certificate.root).toString('hex'),
            round: certificate.round,
            count: certificate.count,
            witnesses: certificate.commits.map(({ record: commit }) => named(state, commit.author)),
          },
    missingWitnesses: result.missingWitnesses.map((witness) => named(state, witness)),
    executableAtMs: record.body.actions.length === 0 ? null : result.executableAtMs,
    token: tokenOf(state),
  }
}
