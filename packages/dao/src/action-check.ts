import { isNodeId, X0tError } from '@x0t/core'
import { actionNames, diagnosisKinds, type ActionName, type DiagnosisKind } from '@x0t/mape-k'
import { actionTypes, type Action } from './action.ts'
import { neededActions, policyBounds, quarantineDiagnosis } from './policy-bounds.ts'
import type { Rules } from './rules.ts'
import { votableSettings, votableValue, votableWords } from './votable-settings.ts'

/** Most actions of a proposal. */
export const maxActions = 8
/** Largest file that may be published, and largest piece of one, bytes. */
export const maxArtifactBytes = 4 * 2 ** 20
export const maxPieceBytes = 65_536
/** A detached signature is text of about 8 KB. */
export const maxArtifactSignatureBytes = 16_384
const maxReasonLength = 200

/**
 * Checks the actions of a proposal as far as that can be done without a node: types, fields, bounds.
 * @throws X0tError DAO_ACTION_INVALID for what is no action; DAO_ACTION_NOT_ALLOWED for what may not be voted on;
 *   DAO_ACTION_OUT_OF_BOUNDS for a value that a vote may not set; DAO_ACTIONS_CONFLICT
 */
export function checkActions(actions: readonly Action[], { decides }: Pick<Rules, 'decides'>): void {
  if (actions.length === 0) return
  if (decides !== 'support')
    throw new X0tError(
      'DAO_ACTIONS_CONFLICT',
      'a proposal with actions asks whether, not which: its rules decide by plurality',
      { hint: 'choices for, against, abstain; one proposal for each variant', exitCode: 2 },
    )
  if (actions.length > maxActions)
    throw conflict(`a proposal has at most ${maxActions} actions, not ${actions.length}`)
  for (const action of actions) checkAction(action)
  const subjects = actions.map(subjectOf)
  const doubled = subjects.find((subject, at) => subjects.indexOf(subject) !== at)
  if (doubled !== undefined) throw conflict(`two actions are about ${doubled}`)
  if (actions.filter(({ type }) => type === 'ban_node').length > 1)
    throw conflict('a proposal bans one node at most: each ban is voted on by itself')
}

/** What an action sets: a later decision about the same takes its place. */
export function subjectOf(action: Action): string {
  switch (action.type) {
    case 'update_threshold':
    case 'update_config':
      return `${action.type === 'update_config' ? 'config' : 'policy'} ${action.key}`
    case 'update_policy':
      return `policy plans.${action.diagnosis}`
    case 'ban_node':
    case 'readmit_node':
      return `membership of ${action.node}`
    case 'rotate_keys':
      return `keys of ${action.node}`
    default:
      return `${action.artifact} ${action.name}`
  }
}

/** As {@link checkActions}, for one action. */
export function checkAction(action: Action): void {
  switch (action.type) {
    case 'update_threshold':
      return checkThreshold(action)
    case 'update_policy':
      return checkPlan(action)
    case 'update_config':
      return checkSetting(action)
    case 'ban_node':
      checkNode(action.node)
      if (typeof action.reason === 'string' && action.reason.length <= maxReasonLength) return
      throw invalid(`the reason of a ban is text of at most ${maxReasonLength} characters`)
    case 'readmit_node':
      return checkNode(action.node)
    case 'rotate_keys':
      return action.node === 'all' ? undefined : checkNode(action.node)
    case 'publish_artifact':
      return checkArtifact(action)
    default:
      throw invalid(
        `${JSON.stringify((action as { type?: unknown }).type)?.slice(0, 60)} is no action; there are ${actionTypes.join(', ')}`,
      )
  }
}

function checkThreshold({ key, value }: Action & { readonly type: 'update_threshold' }): void {
  const bounds = policyBounds(key)
  if (bounds === undefined) throw notAllowed(`${key} is no number of the healing policy`, 'x0t heal policy')
  if (typeof value !== 'string' || !/^(0|[1-9]\d{0,8})(\.\d{1,6})?$/.test(value))
    throw invalid(`${key} is ${JSON.stringify(value)?.slice(0, 60)}, not a decimal number`)
  const { from, to, unit } = bounds
  if (Number(value) < from || Number(value) > to)
    throw outOfBounds(`a vote may set ${key} from ${from} to ${to} (${unit}), not to ${value}`)
}

function checkPlan({ diagnosis, actions }: Action & { readonly type: 'update_policy' }): void {
  if (!diagnosisKinds.includes(diagnosis as DiagnosisKind))
    throw notAllowed(`${diagnosis} is no diagnosis of the healing loop`, 'x0t heal policy')
  if (!Array.isArray(actions) || new Set(actions).size !== actions.length)
    throw invalid(`the plan of ${diagnosis} is not a list of actions without doubles`)
  for (const name of actions)
    if (!actionNames.includes(name as ActionName))
      throw notAllowed(`${name} is no action of the healing loop`, `the actions: ${actionNames.join(', ')}`)
  const needed = neededActions[diagnosis as DiagnosisKind]
  if (needed !== undefined && !actions.includes(needed))
    throw outOfBounds(`a vote may not take ${needed} out of the plan of ${diagnosis}: it brings nodes back`)
  if (actions.includes('quarantine-neighbour') && diagnosis !== quarantineDiagnosis)
    throw outOfBounds(`a vote may let quarantine-neighbour answer ${quarantineDiagnosis} only`)
}

function checkSetting({ key, value }: Action & { readonly type: 'update_config' }): void {
  const setting = Object.hasOwn(votableSettings, key) ? votableSettings[key] : undefined
  if (setting === undefined)
    throw notAllowed(
      `${key} is no setting that may be voted on`,
      `the settings: ${Object.keys(votableSettings).join(', ')}`,
    )
  if (typeof value !== 'string') throw invalid(`the value of ${key} is not text`)
  if (votableValue(setting, value) === undefined)
    throw outOfBounds(`a vote may set ${key} to ${votableWords(setting)}, not to ${value.slice(0, 60)}`)
}

function checkNode(node: unknown): void {
  if (typeof node !== 'string' || !isNodeId(node))
    throw invalid(`${String(node).slice(0, 60)} is no node id of 52 characters`)
}

function checkArtifact(action: Action & { readonly type: 'publish_artifact' }): void {
  const { artifact, name, digest, sizeBytes, signer, signatureDigest } = action
  if (artifact !== 'model' && artifact !== 'program')
    throw invalid(`a published file is a model or a program, not ${String(artifact).slice(0, 20)}`)
  if (typeof name !== 'string' || !/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/.test(name))
    throw invalid('the name of a published file has 1 to 64 of a-z, 0-9, dot, hyphen, underscore')
  for (const one of [digest, signatureDigest])
    if (typeof one !== 'string' || !/^[0-9a-f]{64}$/.test(one))
      throw invalid('a digest is 64 hexadecimal digits of SHA-256')
  checkNode(signer)
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1) throw invalid('the size is no number of bytes')
  if (sizeBytes > maxArtifactBytes)
    throw outOfBounds(`a published file has at most ${maxArtifactBytes} bytes, not ${sizeBytes}`)
}

function invalid(message: string): X0tError {
  return new X0tError('DAO_ACTION_INVALID', message, { exitCode: 2, hint: 'x0t dao propose --help' })
}

function notAllowed(message: string, hint: string): X0tError {
  return new X0tError('DAO_ACTION_NOT_ALLOWED', message, { exitCode: 2, hint })
}

function outOfBounds(message: string): X0tError {
  return new X0tError('DAO_ACTION_OUT_OF_BOUNDS', message, { exitCode: 2 })
}

function conflict(message: string): X0tError {
  return new X0tError('DAO_ACTIONS_CONFLICT', message, { exitCode: 2 })
}
