import { shortNodeId, X0tError, type Clock } from '@x0t/core'
import {
  digestOf,
  joinArtifact,
  signerOfArtifact,
  type Action,
  type PublishAction,
  type RecordId,
  type SignedRecord,
} from '@x0t/dao'
import { findArtifact, storeArtifact } from './artifact-store.ts'
import { keyWords, rotateKeys } from './key-rotation.ts'
import type { DaoPort, ExecutionTargets } from './ports.ts'

/** What came of an attempt: what the effect is as read back, why it cannot be, or what is still waited for. */
export type Effect =
  | { readonly kind: 'executed' | 'failed' | 'waiting'; readonly detail: string }
  /** Nothing to do here, and nothing to report. */
  | { readonly kind: 'elsewhere' }

export interface EffectSurroundings {
  readonly self: string
  readonly targets: ExecutionTargets
  readonly records: DaoPort['records']
  readonly clock: Clock
  readonly isStopped: () => boolean
}

type OneTime = Exclude<Action, { readonly type: 'update_threshold' | 'update_policy' | 'update_config' }>

/** Carries out what is done once; to do it again changes nothing more. */
export async function carryOutOnce(
  proposal: RecordId,
  action: OneTime,
  surroundings: EffectSurroundings,
): Promise<Effect> {
  switch (action.type) {
    case 'ban_node':
    case 'readmit_node':
      return changeMembership(proposal, action, surroundings.targets.bans)
    case 'rotate_keys':
      return await rotate(action.node, surroundings)
    default:
      return await publish(proposal, action, surroundings)
  }
}

/** The node with the authority signs it; the others wait until it has come to them. */
function changeMembership(
  proposal: RecordId,
  action: Action & { readonly type: 'ban_node' | 'readmit_node' },
  bans: ExecutionTargets['bans'],
): Effect {
  const { node } = action
  const isBan = action.type === 'ban_node'
  const words = isBan ? `${node} is banned here` : `${node} is not banned here`
  if (isBan && bans.authorities().includes(node))
    return {
      kind: 'failed',
      detail: 'it holds the authority of the mesh: without it nobody could be admitted',
    }
  if (bans.isBanned(node) === isBan) return { kind: 'executed', detail: words }
  const { authority } = bans
  if (authority === undefined) {
    const isAway = bans.authorities().length === 0
    return {
      kind: 'waiting',
      detail: isAway
        ? 'the node with the authority, which has to sign it, is not in reach'
        : 'the node with the authority has not signed it yet',
    }
  }
  if (isBan && node === authority.self)
    return { kind: 'failed', detail: 'this node holds the authority of the mesh and cannot ban itself' }
  if (isBan) authority.ban(node, `vote ${proposal}: ${action.reason}`.slice(0, 256))
  else authority.unban(node)
  return bans.isBanned(node) === isBan
    ? { kind: 'executed', detail: `${words}; this node signed it` }
    : { kind: 'failed', detail: 'it was signed, and does not hold: this node keeps as many bans as it can' }
}

async function rotate(
  node: string,
  { self, targets, clock, isStopped }: EffectSurroundings,
): Promise<Effect> {
  if (node !== 'all' && node !== self) return { kind: 'elsewhere' }
  const { replaced, kept } = await rotateKeys(targets.keys, clock, isStopped)
  if (isStopped() && replaced === 0) return { kind: 'waiting', detail: 'the node stops' }
  if (kept.length === 0)
    return {
      kind: 'executed',
      detail:
        replaced === 0 ? 'no keys were in use' : `${replaced} keys were replaced; the new ones are in use`,
    }
  if (isStopped()) return { kind: 'waiting', detail: 'the node stops' }
  return { kind: 'failed', detail: `the old keys are still in use: ${keyWords(kept, shortNodeId)}` }
}

async function publish(
  proposal: RecordId,
  action: PublishAction,
  { targets, records }: EffectSurroundings,
): Promise<Effect> {
  const { digest, signatureDigest, sizeBytes, signer, artifact } = action
  const directory = targets.artifactsDirectory
  const known = await findArtifact(directory, action)
  if (known !== undefined) return { kind: 'executed', detail: `it lies in ${known.path}` }
  const pieces: SignedRecord[] = []
  for await (const one of records())
    if (one.record.kind === 'artifact' && [digest, signatureDigest].includes(one.record.body.digest))
      pieces.push(one)
  const bytes = joinArtifact(pieces, digest)
  const signature = joinArtifact(pieces, signatureDigest)
  if (!(bytes instanceof Uint8Array))
    return { kind: 'waiting', detail: `${bytes.have} of ${bytes.of || '?'} pieces of the file are here` }
  if (!(signature instanceof Uint8Array))
    return { kind: 'waiting', detail: 'the signature of the file is not here' }
  if (bytes.length !== sizeBytes)
    return { kind: 'failed', detail: `the file has ${bytes.length} bytes, not ${sizeBytes}` }
  try {
    const found = await signerOfArtifact(artifact, bytes, Buffer.from(signature).toString('utf8'))
    if (found !== signer) return { kind: 'failed', detail: `it is signed by ${found}, not by ${signer}` }
  } catch (error) {
    if (error instanceof X0tError) return { kind: 'failed', detail: error.message }
    throw error
  }
  await storeArtifact(directory, action, { bytes, signature, proposal })
  const stored = await findArtifact(directory, action)
  return stored !== undefined && digestOf(bytes) === stored.digest
    ? { kind: 'executed', detail: `it lies in ${stored.path}` }
    : { kind: 'failed', detail: 'what was stored does not read back as it was' }
}
