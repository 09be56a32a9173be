import {
  checkAction,
  subjectOf,
  votableSettings,
  votableValue,
  type Action,
  type ActionExecution,
  type RecordId,
} from '@x0t/dao'
import type { Decision } from './decision.ts'

/** One action of a proposal on this node, with where it stands. */
export interface DueAction extends ActionExecution {
  readonly proposal: RecordId
  readonly body: Action
  /** When the timelock ended, ms: the order of decisions. */
  readonly atMs: number
}

/** A decision that holds until the next about the same value; undefined for what is done once. */
export function decisionOf(proposal: RecordId, action: number, body: Action): Decision | undefined {
  checkAction(body)
  switch (body.type) {
    case 'update_threshold':
      return { proposal, action, kind: 'policy', key: body.key, value: Number(body.value) }
    case 'update_policy':
      return { proposal, action, kind: 'policy', key: `plans.${body.diagnosis}`, value: body.actions }
    case 'update_config':
      return {
        proposal,
        action,
        kind: 'config',
        key: body.key,
        value: votableValue(votableSettings[body.key]!, body.value)!,
      }
    default:
      return undefined
  }
}

/** Queue order: by the end of the timelock, then by proposal and index; the same on every node. */
export function inOrder(actions: readonly DueAction[]): readonly DueAction[] {
  return actions.toSorted(
    (a, b) =>
      a.atMs - b.atMs || (a.proposal < b.proposal ? -1 : a.proposal > b.proposal ? 1 : a.action - b.action),
  )
}

/**
 * Of actions in order, the last about each subject; and those that a later one has overtaken, with which.
 */
export function lastOfEach(actions: readonly DueAction[]): {
  readonly holding: readonly DueAction[]
  readonly overtaken: readonly (readonly [action: DueAction, by: DueAction])[]
} {
  const last = new Map(actions.map((one) => [subjectOf(one.body), one]))
  const overtaken = actions.flatMap((one) => {
    const by = last.get(subjectOf(one.body))!
    return by === one ? [] : [[one, by] as const]
  })
  return { holding: [...last.values()], overtaken }
}
