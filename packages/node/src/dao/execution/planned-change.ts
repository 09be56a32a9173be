import { X0tError } from '@x0t/core'
import { actionWords } from '@x0t/dao'
import { findArtifact } from './artifact-store.ts'
import { decisionOf, type DueAction } from './lasting-decisions.ts'
import { takesEffect, valueNow, words } from './lasting-effects.ts'
import type { ExecutionTargets, PlannedChange } from './ports.ts'

/** What an action would change on this node, or has. Changes nothing. */
export async function plannedChange(
  standing: DueAction,
  self: string,
  targets: ExecutionTargets,
): Promise<PlannedChange> {
  const { body, action, stage, untilMs, detail } = standing
  const base = { action, stage, untilMs, detail, what: actionWords(body), takesEffect: 'live' as const }
  try {
    const decision = decisionOf(standing.proposal, action, body)
    if (decision !== undefined)
      return {
        ...base,
        from: valueNow(targets, decision),
        to: words(decision.value),
        takesEffect: takesEffect(decision),
      }
  } catch (error) {
    if (!(error instanceof X0tError)) throw error
    return { ...base, from: null, to: null, detail: `${error.code}: ${error.message}` }
  }
  switch (body.type) {
    case 'ban_node':
    case 'readmit_node': {
      const words = (isBanned: boolean): string => (isBanned ? 'banned' : 'not banned')
      const from = words(targets.bans.isBanned(body.node))
      return { ...base, from, to: words(body.type === 'ban_node') }
    }
    case 'rotate_keys': {
      const isHere = body.node === 'all' || body.node === self
      const count = targets.keys.inUse().length
      return {
        ...base,
        from: isHere ? `${count} keys in use` : null,
        to: isHere ? `${count} new keys` : null,
      }
    }
    case 'publish_artifact': {
      const found = await findArtifact(targets.artifactsDirectory, body)
      return { ...base, from: found?.path ?? 'not here', to: `${body.name}, ${body.digest}` }
    }
    default:
      return { ...base, from: null, to: null }
  }
}
