import type { DaoState, MemberId, ProposalView } from '@x0t/dao'
import type { AuditReport } from '../../views/dao-audit.ts'
import { shortId } from './find-by-prefix.ts'
import { named, tokenOf } from './proposal-report.ts'
import { publishedRoot } from './published-root.ts'

/** Decimals of the weights in the report, and those that shares are calculated with. */
const shownDecimals = 3
const guardDecimals = 18

/** What is wrong or open in a DAO, from its records alone. */
export async function auditReportOf(state: DaoState, nowMs: number): Promise<AuditReport> {
  const { resultOf } = await import('@x0t/dao')
  const results = [...state.proposals.values()].map((view) => ({
    view,
    result: resultOf(state, view.id, nowMs),
  }))
  const stuck = results
    .filter(
      ({ view, result }) =>
        result.state === 'unsealed' || result.state === 'halted' || view.culprits.length > 0,
    )
    .map(({ view, result }) => ({
      proposal: view.id,
      title: view.record.body.title,
      state: result.state,
      missing: result.missingWitnesses.map((id) => named(state, id)),
      culprits: view.culprits.map((id) => named(state, id)),
    }))
  const failed = results.flatMap(({ view }) => failuresOf(state, view))
  const equivocations = state.equivocations.map(({ author, ...rest }) => ({
    ...rest,
    author: named(state, author),
  }))
  const nameOf = (id: MemberId): string => state.members.get(id)?.name ?? id.slice(0, 10)
  const { conflicts, sharingKeys, delegationCycles } = state.registry
  const junk = state.rejected.filter(({ isWaiting }) => !isWaiting).length
  return {
    dao: state.dao,
    name: state.constitution.name,
    records: state.recordCount,
    token: tokenOf(state),
    equivocations,
    rejected: state.rejected,
    stuck,
    pending: state.registry.pending.map(({ member, kind, registrars }) => ({
      member: { id: member, name: nameOf(member) },
      kind,
      signed: registrars.map((id) => named(state, id)),
      needed: state.constitution.registrarsNeeded,
    })),
    sybil: sybilOf(state),
    findings: [
      ...equivocations.map(
        ({ author, lane, seq }) =>
          `${nameOf(author.id)} signed two records with number ${seq} in lane ${laneName(lane)}`,
      ),
      ...conflicts.map(([first]) => `registrars signed different changes of ${nameOf(first!.member)}`),
      ...sharingKeys.map((id) => `${nameOf(id)} uses a key of another member and is left out`),
      ...delegationCycles.map((id) => `the delegation of ${nameOf(id)} runs in a circle and is void`),
      ...stuck.map(({ proposal, state: stands, missing }) =>
        stands === 'halted'
          ? `${shortId(proposal)} is halted: two certificates`
          : `${shortId(proposal)} is not sealed; missing: ${missing.map(({ id }) => nameOf(id)).join(', ') || 'agreement'}`,
      ),
      ...failed,
      ...(junk === 0 ? [] : [`${junk} records count for nothing: see the list`]),
    ],
  }
}

function failuresOf(state: DaoState, { id, executions }: ProposalView): readonly string[] {
  return executions
    .filter(({ body }) => body.outcome === 'failed')
    .map(
      ({ author, body }) =>
        `action ${body.action + 1} of ${shortId(id)} failed on ${named(state, author).name || author.slice(0, 10)}: ${body.detail}`,
    )
}

/** Each member's part in all weight, and what it would be if its balance were held by two or by ten. */
function sybilOf(state: DaoState): AuditReport['sybil'] {
  const members = [...state.members.values()]
  const root = (balance: bigint): bigint => BigInt(publishedRoot(balance, guardDecimals).replace('.', ''))
  const all = members.reduce((sum, { balance }) => sum + root(BigInt(balance)), 0n)
  return members
    .map(({ id, balance }) => {
      const own = root(BigInt(balance))
      // k parts of b/k weigh k·√(b/k) = √(k·b).
      const share = (parts: bigint): string => {
        const weight = root(BigInt(balance) * parts)
        return percentOf(weight, all - own + weight)
      }
      return {
        member: named(state, id),
        balance,
        weight: publishedRoot(BigInt(balance), shownDecimals),
        sharePercent: share(1n),
        shareIfTwoPercent: share(2n),
        shareIfTenPercent: share(10n),
      }
    })
    .toSorted(
      (one, other) =>
        Number(BigInt(other.balance) > BigInt(one.balance)) -
          Number(BigInt(other.balance) < BigInt(one.balance)) || (one.member.id < other.member.id ? -1 : 1),
    )
}

/** Percent with two places, rounded down. */
function percentOf(part: bigint, whole: bigint): string {
  if (whole === 0n) return '0.00'
  const hundredths = (part * 10_000n) / whole
  return `${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}`
}

function laneName(lane: string): string {
  const [kind = lane, rest] = lane.split(':')
  return rest === undefined ? kind : `${kind} ${shortId(rest)}`
}
