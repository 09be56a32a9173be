import type { DaoState, MemberId, ProposalView } from '@x0t/dao'
import type { AuditReport } from '../../views/dao-audit.ts'
import { shortId } from './find-by-prefix.ts'
import { named, tokenOf } from './proposal-report.ts'

/** What is wrong or open in a DAO, from its records alone. */
export async function auditReportOf(state: DaoState, nowMs: number): Promise<AuditReport> {
  const { auditOf, resultOf } = await import('@x0t/dao')
  const audit = auditOf(state, nowMs)
  const nameOf = (id: MemberId): string => state.members.get(id)?.name ?? id.slice(0, 10)
  const stuck = [...state.proposals.values()]
    .map((view) => ({ view, result: resultOf(state, view.id, nowMs) }))
    .filter(({ view, result }) => result.state === 'unsealed' || view.rivals.length > 0)
    .map(({ view, result }) => ({
      proposal: view.id,
      title: view.record.body.title,
      state: result.state,
      missing: result.missingWitnesses.map((id) => named(state, id)),
      culprits: view.culprits.map((id) => named(state, id)),
    }))
  const equivocations = audit.equivocations.map(({ author, ...rest }) => ({
    ...rest,
    author: named(state, author),
  }))
  const { conflicts, delegationCycles, pending, sharingKeys } = state.registry
  const junk = state.rejected.filter(({ isWaiting }) => !isWaiting).length
  return {
    dao: state.dao,
    name: state.constitution.name,
    records: state.recordCount,
    token: tokenOf(state),
    equivocations,
    rejected: state.rejected,
    stuck,
    pending: pending.map(({ member, kind, entry, registrars }) => ({
      member: { id: member, name: entry?.name ?? nameOf(member) },
      kind,
      signed: registrars.map((id) => named(state, id)),
      needed: state.constitution.registrarsNeeded,
    })),
    sybil: audit.weights.map(({ member, balance, weight, percent, percentIfSplit }) => ({
      member: named(state, member),
      balance,
      weight,
      sharePercent: percent,
      shareIfTwoPercent: percentIfSplit.over2,
      shareIfTenPercent: percentIfSplit.over10,
    })),
    concentration: { tokens: audit.tokens, weight: audit.weight },
    findings: [
      ...equivocations.map(
        ({ author, lane, seq }) =>
          `${nameOf(author.id)} signed two records with number ${seq} in lane ${laneName(lane)}`,
      ),
      ...conflicts.map(([first]) => `registrars signed different changes of ${nameOf(first!.member)}`),
      ...sharingKeys.map((id) => `${nameOf(id)} uses a key of another member and is left out`),
      ...delegationCycles.map((id) => `the delegation of ${nameOf(id)} runs in a circle and is void`),
      ...audit.leftOut.map(
        ({ proposal, changes }) =>
          `the electorate of ${shortId(proposal)} leaves out older changes of ${[...new Set(changes.map(({ member }) => nameOf(member)))].join(', ')}`,
      ),
      ...stuck.map(({ proposal, state: stands, missing }) =>
        stands === 'halted'
          ? `${shortId(proposal)} is halted: two certificates`
          : `${shortId(proposal)} is not sealed; missing: ${missing.map(({ id }) => nameOf(id)).join(', ') || 'agreement'}`,
      ),
      ...[...state.proposals.values()].flatMap((view) => failuresOf(state, view)),
      ...(junk === 0 ? [] : [`${junk} records count for nothing: see the list`]),
    ],
  }
}

function failuresOf(state: DaoState, { id, executions }: ProposalView): readonly string[] {
  return executions
    .filter(({ body }) => body.outcome === 'failed')
    .map(({ author, body }) => {
      const node = named(state, author).name || author.slice(0, 10)
      return `action ${body.action + 1} of ${shortId(id)} failed on ${node}: ${body.detail}`
    })
}

function laneName(lane: string): string {
  const [kind = lane, rest] = lane.split(':')
  return rest === undefined ? kind : `${kind} ${shortId(rest)}`
}
