import { nodeIdOfKeys } from '@x0t/keys'
import type { Action } from './action.ts'
import type { Certificate, ProposalState, ProposalView } from './dao-state.ts'
import type { MemberId } from './record.ts'
import type { TallyOutcome } from './tally.ts'

/** Where one action of a proposal stands on one node. */
export type ActionStage =
  /** The vote is not final, or was not for it. */
  | 'not-passed'
  /** The timelock runs until `untilMs`. */
  | 'waiting'
  /** To be carried out now; what cannot be done before `untilMs` has failed. */
  | 'due'
  /** This node has reported it. */
  | 'executed'
  | 'failed'
  /** Never to be carried out by this node. */
  | 'vetoed'
  | 'canceled'
  | 'halted'
  | 'expired'

export interface ActionExecution {
  /** Index into the proposal's actions. */
  readonly action: number
  readonly stage: ActionStage
  /** ms since 1970; null where no time matters. */
  readonly untilMs: number | null
  readonly detail: string
}

export interface ExecutionInput {
  /** The count of the certified set; null before there is a certificate. */
  readonly outcome: TallyOutcome | null
  /** The node that asks; null: somebody who only looks. */
  readonly self: MemberId | null
  readonly nowMs: number
}

/**
 * When a vote was closed: the median of the times at which witnesses say they committed. No minority of them, and no
 * clock of one of them, moves it out of what the others say.
 */
export function certifiedAtMs({ commits }: Certificate): number {
  const times = commits.map(({ record }) => record.atMs).toSorted((a, b) => a - b)
  return times[Math.floor((times.length - 1) / 2)] ?? 0
}

/** When the timelock ends, ms since 1970; null before a certificate. */
export function timelockEndMs({ certificate, record }: ProposalView): number | null {
  return certificate === null ? null : certifiedAtMs(certificate) + record.body.timelockMs
}

/** When what was not executed is expired, ms since 1970; null before a certificate. */
export function expiryMs(view: ProposalView): number | null {
  const endMs = timelockEndMs(view)
  return endMs === null ? null : endMs + view.record.body.expiresMs
}

/**
 * What a node has to do about each action of a proposal. A node's own report is final for it. Otherwise a veto, the
 * author's cancellation and two certificates end the matter; then the timelock, then the expiry hold by the node's own
 * clock, unless more than half of the witnesses have reported the action as executed: so a node that was away, or whose
 * clock is wrong, catches up with the rest.
 */
export function executionOf(view: ProposalView, input: ExecutionInput): readonly ActionExecution[] {
  return view.record.body.actions.map((_, action) => ({ action, ...stageOf(view, action, input) }))
}

function stageOf(
  view: ProposalView,
  action: number,
  { outcome, self, nowMs }: ExecutionInput,
): Omit<ActionExecution, 'action'> {
  const ended = (stage: ActionStage, detail: string): Omit<ActionExecution, 'action'> => ({
    stage,
    untilMs: null,
    detail,
  })
  const own = reportsOf(view, action).find(({ author }) => author === self)
  if (own !== undefined) return ended(own.outcome, own.detail)
  if (view.rivals.length > 0) return ended('halted', 'there are two certificates')
  const startMs = timelockEndMs(view)
  const endMs = expiryMs(view)
  if (startMs === null || endMs === null || outcome === null)
    return ended('not-passed', 'the vote is not certified')
  if (outcome !== 'passed') return ended('not-passed', `the vote came out as ${outcome}`)
  const [veto] = view.vetoes
  if (veto !== undefined) return ended('vetoed', `${veto.author}: ${veto.body.reason}`)
  if (view.isCanceled) return ended('canceled', 'its author took it back')
  if (isConfirmed(view, action))
    return { stage: 'due', untilMs: Math.max(endMs, nowMs), detail: 'more than half of the witnesses did it' }
  if (nowMs < startMs) return { stage: 'waiting', untilMs: startMs, detail: 'the timelock runs' }
  if (nowMs >= endMs) return ended('expired', 'it was not carried out in time')
  return { stage: 'due', untilMs: endMs, detail: '' }
}

export interface ExecutionReport {
  readonly author: MemberId
  readonly outcome: 'executed' | 'failed'
  readonly detail: string
}

/** What nodes report of one action: the first report of each counts, those of an equivocating one do not. */
export function reportsOf(view: ProposalView, action: number): readonly ExecutionReport[] {
  const first = new Map<MemberId, ExecutionReport & { readonly seq: number }>()
  for (const { author, seq, body } of view.executions) {
    if (body.action !== action) continue
    const known = first.get(author)
    if (known === undefined || seq < known.seq)
      first.set(author, { author, outcome: body.outcome, detail: body.detail, seq })
  }
  return [...first.values()].map(({ author, outcome, detail }) => ({ author, outcome, detail }))
}

/** Nodes whose reports tell whether an action took effect in the mesh. */
export function reportersOf(view: ProposalView, action: Action): readonly MemberId[] {
  if (action.type !== 'rotate_keys' || action.node === 'all') return view.record.body.witnesses
  // A member whose keys were rotated is another node, and the same member.
  const owner = view.electorate.find(
    ({ id, keys }) => id === action.node || nodeIdOfKeys(keys.ed25519, keys.mldsa65) === action.node,
  )
  return [owner?.id ?? action.node]
}

function isConfirmed(view: ProposalView, action: number): boolean {
  return count(view, action, 'executed') * 2 > reportersOf(view, view.record.body.actions[action]!).length
}

function count(view: ProposalView, action: number, outcome: ExecutionReport['outcome']): number {
  const reporters = new Set(reportersOf(view, view.record.body.actions[action]!))
  return reportsOf(view, action).filter((one) => one.outcome === outcome && reporters.has(one.author)).length
}

/**
 * Where a certified proposal stands in the mesh as a whole: `executed` once more than half of the witnesses report so
 * of each action, `failed` once that cannot happen any more for one of them.
 */
export function executionState(view: ProposalView, outcome: TallyOutcome, nowMs: number): ProposalState {
  const { actions } = view.record.body
  if (view.rivals.length > 0) return 'halted'
  if (outcome !== 'passed') return outcome
  if (actions.length > 0 && actions.every((_, at) => isConfirmed(view, at))) return 'executed'
  const isLost = (_: Action, at: number): boolean => {
    const reporters = reportersOf(view, actions[at]!).length
    return reporters > 0 && (reporters - count(view, at, 'failed')) * 2 <= reporters
  }
  if (actions.some(isLost)) return 'failed'
  if (view.vetoes.length > 0) return 'vetoed'
  if (view.isCanceled) return 'canceled'
  if (actions.length === 0) return 'passed'
  return nowMs >= (expiryMs(view) ?? Infinity) ? 'expired' : 'queued'
}
