import type { Command } from 'commander'
import { hasCode, X0tError } from '@x0t/core'
import type { DaoState, MemberId } from '@x0t/dao'
import type { Identity, StoredIdentity } from '@x0t/keys'
import type { CommandContext } from '../../main.ts'
import { withSigner } from './dao-options.ts'
import { openDao, signNext } from './open-dao.ts'
import { readOwnIdentity, type SignerOptions } from './own-keys.ts'
import { pokeDaemon } from './poke-daemon.ts'
import { named } from './proposal-report.ts'
import { passphraseSource } from '../../passphrase.ts'

interface RotateOptions extends SignerOptions {
  readonly former?: string
}

export function registerMemberRotate(member: Command, context: CommandContext): void {
  withSigner(
    member
      .command('rotate')
      .description(
        'after x0t key rotate in this home: tell the DAO the new keys, signed by the former ones; the member stays the same',
      )
      .option('--former <file>', 'the identity file with the former keys, after x0t key rotate --new-seed'),
  ).action(async (options: RotateOptions) => {
    await using dao = await openDao(options, context)
    const state = await dao.state()
    const now = await readOwnIdentity(dao.home, options, context)
    const former = await formerKeys(state, now, options, context)
    const { createMemberRotate, memberKeysOf } = await import('@x0t/dao')
    const keys = memberKeysOf(now.identity)
    const { member: id } = former
    const rotation = createMemberRotate(state, id, now.identity)
    const signer = { identity: former.identity, author: id, dao: state.dao }
    const signed = await signNext(dao, signer, rotation)
    await pokeDaemon(options, context)
    const after = (await dao.state()).members.get(id)
    const isInForce = after !== undefined && Buffer.compare(after.keys.ed25519, keys.ed25519) === 0
    const { memberChangesView } = await import('../../views/dao-members.ts')
    const change = { change: 'rotate', member: named(state, id), record: signed.id, isInForce } as const
    context.output().result({ changes: [change] }, memberChangesView)
  })
}

/**
 * The keys that the DAO knows this member by: those of the file named, or those of an earlier epoch of the same seed.
 * @throws X0tError DAO_KEYS_NOT_NEW, DAO_KEYS_UNKNOWN
 */
async function formerKeys(
  state: DaoState,
  now: StoredIdentity,
  options: RotateOptions,
  context: CommandContext,
): Promise<{ readonly identity: Identity; readonly member: MemberId }> {
  const { memberKeysOf, memberWithKeys } = await import('@x0t/dao')
  const { createIdentity, readIdentityFile } = await import('@x0t/keys')
  try {
    const known = await memberIfAny(state, now.identity)
    if (known !== undefined)
      throw new X0tError('DAO_KEYS_NOT_NEW', `the DAO knows the keys of this home already, as ${known}`, {
        hint: 'first x0t key rotate on the identity file of this home',
      })
    if (options.former !== undefined) {
      const passphrase = passphraseSource(options, context.streams)
      const { identity, masterSeed } = await readIdentityFile(options.former, { passphrase })
      masterSeed.fill(0)
      return { identity, member: memberWithKeys(state, memberKeysOf(identity)) }
    }
    for (let epoch = now.epoch - 1; epoch >= Math.max(0, now.epoch - maxEpochsBack); epoch--) {
      const identity = createIdentity(now.masterSeed, epoch)
      const member = await memberIfAny(state, identity)
      if (member !== undefined) return { identity, member }
    }
  } finally {
    now.masterSeed.fill(0)
  }
  throw new X0tError('DAO_KEYS_UNKNOWN', 'no earlier keys of this home are those of a member', {
    hint: 'after x0t key rotate --new-seed: --former FILE',
  })
}

/** Rotations that are looked back over. */
const maxEpochsBack = 64

async function memberIfAny(state: DaoState, identity: Identity): Promise<MemberId | undefined> {
  const { memberKeysOf, memberWithKeys } = await import('@x0t/dao')
  try {
    return memberWithKeys(state, memberKeysOf(identity))
  } catch (error) {
    if (hasCode(error, 'DAO_NOT_A_MEMBER')) return undefined
    throw error
  }
}
