import { X0tError, type NodeId } from '@x0t/core'
import { createIdentity } from './identity.ts'

/** Epochs that {@link epochOfNodeId} tries: about a second of work, more rotations than a node lives to see. */
const searchedEpochs = 512

/**
 * The epoch at which this master seed has this id: a backup holds the seed, not how often it was rotated.
 * @throws X0tError KEY_ID_MISMATCH if the id is of another seed, as after a wrong passphrase of SLIP-39 shares
 */
export function epochOfNodeId(masterSeed: Uint8Array, nodeId: NodeId): number {
  for (let epoch = 0; epoch < searchedEpochs; epoch++) {
    if (createIdentity(masterSeed, epoch).nodeId === nodeId) return epoch
  }
  throw new X0tError(
    'KEY_ID_MISMATCH',
    `the backup is whole, but the identity ${nodeId} does not come from it (epochs 0 to ${searchedEpochs - 1} tried)`,
    { hint: 'check the id, and with shares their passphrase: a wrong one gives another identity' },
  )
}
