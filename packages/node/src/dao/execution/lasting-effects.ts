import { votableSettings } from '@x0t/dao'
import type { Decision } from './decision.ts'
import type { Effect } from './one-time-effects.ts'
import type { ExecutionTargets } from './ports.ts'

type Targets = Pick<ExecutionTargets, 'policy' | 'settings'>

/** Why a decision cannot hold on this node, before it is tried. */
export function obstacleTo({ policy, settings }: Targets, { kind, key }: Decision): string | undefined {
  if (kind === 'policy')
    return policy === undefined ? 'the healing loop is switched off on this node' : undefined
  const { origin } = settings.valueOf(key)
  const isPinned = origin.startsWith('flag ') || origin.startsWith('env ')
  return isPinned ? `this node was started with ${origin}, which stands above a vote` : undefined
}

/** The value with which this node works, in words. */
export function valueNow({ policy, settings }: Targets, { kind, key }: Decision): string {
  if (kind === 'config') return settings.valueOf(key).value
  return policy === undefined ? 'none: the healing loop is off' : words(policy.valueOf(key).value)
}

/** Whether the decision is what this node works with, read back from what does the work. */
export function readBack(
  targets: Targets,
  decision: Decision,
  before: string,
): Exclude<Effect, { kind: 'elsewhere' }> {
  const { policy, settings } = targets
  const { kind, key, value, proposal } = decision
  const now = valueNow(targets, decision)
  const origin = kind === 'policy' ? policy?.valueOf(key).proposal : settings.valueOf(key).proposal
  if (now === words(value) && origin === proposal)
    return { kind: 'executed', detail: `${key}: ${before} → ${now}` }
  if (kind === 'config' && takesEffect(decision) === 'start')
    return { kind: 'waiting', detail: `${key} will be ${words(value)} from the next start of this node on` }
  return { kind: 'failed', detail: `${key} reads back as ${now}, not as ${words(value)}` }
}

export function takesEffect({ kind, key }: Decision): 'live' | 'start' {
  return kind === 'policy' ? 'live' : (votableSettings[key]?.takesEffect ?? 'start')
}

export function words(value: Decision['value']): string {
  if (typeof value === 'object') return value.length === 0 ? 'observe only' : value.join(', ')
  return String(value)
}
