import { basename } from 'node:path'
import { X0tError, type NodeId } from '@x0t/core'
import { checkAction, maxArtifactSignatureBytes } from './action-check.ts'
import { actionTypes, type Action } from './action.ts'
import { cutArtifact, digestOf, signerOfArtifact, type ArtifactPiece } from './artifact.ts'

/** What the text of an action needs from outside. */
export interface ActionTextPorts {
  /** A node by id, beginning of an id or name; throws if there is none. */
  readonly resolveNode: (reference: string) => NodeId
  /** A file that is published, and its signature beside it (`FILE.sig`). */
  readonly readFile: (path: string) => Promise<Uint8Array>
}

/** An action, and the pieces of files to be put into records before it is proposed. */
export interface ReadAction {
  readonly action: Action
  readonly pieces: readonly ArtifactPiece[]
}

/** How each action is written after `--action`. */
export const actionForms: Readonly<Record<Action['type'], string>> = {
  update_threshold: 'update_threshold:KEY=NUMBER',
  update_policy: 'update_policy:DIAGNOSIS=ACTION,ACTION',
  update_config: 'update_config:SECTION.KEY=VALUE',
  ban_node: 'ban_node:NODE or ban_node:NODE=REASON',
  readmit_node: 'readmit_node:NODE',
  rotate_keys: 'rotate_keys:NODE or rotate_keys:all',
  publish_artifact: 'publish_artifact:program=FILE or publish_artifact:model=FILE, signed in FILE.sig',
}

/**
 * Reads an action as it is written on the command line, and checks it.
 * @throws X0tError DAO_ACTION_INVALID with the form that was expected, and what `checkAction` throws;
 *   DAO_ARTIFACT_TOO_LARGE, DAO_ARTIFACT_UNSIGNED for a file
 */
export async function readActionText(text: string, ports: ActionTextPorts): Promise<ReadAction> {
  const at = text.indexOf(':')
  const type = (at < 0 ? text : text.slice(0, at)) as Action['type']
  if (!actionTypes.includes(type))
    throw new X0tError('DAO_ACTION_INVALID', `${JSON.stringify(type.slice(0, 60))} is no action`, {
      hint: `there are ${actionTypes.join(', ')}`,
      exitCode: 2,
    })
  const rest = at < 0 ? '' : text.slice(at + 1).trim()
  const equals = rest.indexOf('=')
  const key = (equals < 0 ? rest : rest.slice(0, equals)).trim()
  const value = equals < 0 ? undefined : rest.slice(equals + 1).trim()
  if (key === '') throw malformed(type)
  if (type === 'publish_artifact') {
    if ((key !== 'program' && key !== 'model') || value === undefined || value === '') throw malformed(type)
    return readPublished(key, value, ports)
  }
  const action = plainAction(type, key, value, ports)
  checkAction(action)
  return { action, pieces: [] }
}

function plainAction(
  type: Exclude<Action['type'], 'publish_artifact'>,
  key: string,
  value: string | undefined,
  { resolveNode }: ActionTextPorts,
): Action {
  switch (type) {
    case 'update_threshold':
    case 'update_config':
      if (value === undefined || value === '') throw malformed(type)
      return { type, key, value }
    case 'update_policy':
      if (value === undefined) throw malformed(type)
      return { type, diagnosis: key, actions: value === '' ? [] : value.split(/\s*,\s*/) }
    case 'ban_node':
      return { type, node: resolveNode(key), reason: value ?? '' }
    case 'readmit_node':
      if (value !== undefined) throw malformed(type)
      return { type, node: resolveNode(key) }
    default:
      if (value !== undefined) throw malformed(type)
      return { type, node: key === 'all' ? 'all' : resolveNode(key) }
  }
}

async function readPublished(
  artifact: 'program' | 'model',
  path: string,
  { readFile }: ActionTextPorts,
): Promise<ReadAction> {
  const bytes = await readFile(path)
  const content = cutArtifact(bytes)
  const signature = await readFile(`${path}.sig`)
  if (signature.length > maxArtifactSignatureBytes)
    throw new X0tError('DAO_ARTIFACT_UNSIGNED', `${path}.sig is no signature: it is too large`, {
      exitCode: 3,
    })
  const action: Action = {
    type: 'publish_artifact',
    artifact,
    name: basename(path).toLowerCase(),
    digest: digestOf(bytes),
    sizeBytes: bytes.length,
    signer: await signerOfArtifact(artifact, bytes, Buffer.from(signature).toString('utf8')),
    signatureDigest: digestOf(signature),
  }
  checkAction(action)
  return { action, pieces: [...content, ...cutArtifact(signature)] }
}

/** An action in words, as lists of proposals show it. */
export function actionWords(action: Action): string {
  switch (action.type) {
    case 'update_threshold':
      return `set the healing policy's ${action.key} to ${action.value}`
    case 'update_policy':
      return action.actions.length === 0
        ? `let the healing loop only observe ${action.diagnosis}`
        : `let the healing loop answer ${action.diagnosis} with ${action.actions.join(', ')}`
    case 'update_config':
      return `set ${action.key} to ${action.value} on every node`
    case 'ban_node':
      return `ban node ${action.node}${action.reason === '' ? '' : `: ${action.reason}`}`
    case 'readmit_node':
      return `lift the ban of node ${action.node}`
    case 'rotate_keys':
      return `make new session and link keys on ${action.node === 'all' ? 'every node' : action.node}`
    default:
      return `publish the ${action.artifact} ${action.name} (${action.sizeBytes} bytes, signed by ${action.signer})`
  }
}

function malformed(type: Action['type']): X0tError {
  return new X0tError('DAO_ACTION_INVALID', `this is not how ${type} is written`, {
    hint: actionForms[type],
    exitCode: 2,
  })
}
