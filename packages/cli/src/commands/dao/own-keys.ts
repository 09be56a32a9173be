import { existsSync, mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { X0tError } from '@x0t/core'
import type { DaoState, MemberId, RecordId } from '@x0t/dao'
import type { Identity, StoredIdentity } from '@x0t/keys'
import type { CommandContext } from '../../main.ts'
import { passphraseSource, type PassphraseOptions } from '../../passphrase.ts'
import type { HomeOption } from '../node/home-option.ts'

/** Options of commands that sign with the keys of the home. */
export interface SignerOptions extends HomeOption, PassphraseOptions {}

/**
 * The identity in a home; zero `masterSeed` when done.
 * @throws X0tError DAO_KEYS_MISSING
 */
export async function readOwnIdentity(
  home: string,
  options: PassphraseOptions,
  context: CommandContext,
): Promise<StoredIdentity> {
  const path = await identityFileOf(home)
  if (!existsSync(path))
    throw new X0tError('DAO_KEYS_MISSING', `${home} holds no keys to sign with`, {
      hint: 'x0t dao member card makes them, and the file that lets you in',
    })
  const { readIdentityFile } = await import('@x0t/keys')
  return readIdentityFile(path, { passphrase: passphraseSource(options, context.streams) })
}

/**
 * The identity in a home, made if there is none. A node starts unattended, so its file is protected by its mode; one
 * with a passphrase is put there by `x0t keygen`.
 */
export async function readOrMakeOwnIdentity(
  home: string,
  options: PassphraseOptions & { readonly name?: string },
  context: CommandContext,
): Promise<StoredIdentity & { readonly isNew: boolean }> {
  const path = await identityFileOf(home)
  if (existsSync(path)) return { ...(await readOwnIdentity(home, options, context)), isNew: false }
  const { generateMasterSeed, newIdentityRecord, writeIdentityFile } = await import('@x0t/keys')
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const masterSeed = generateMasterSeed()
  try {
    const record = newIdentityRecord(options.name ?? hostname(), masterSeed)
    await writeIdentityFile(path, record, { protection: 'none' })
  } finally {
    masterSeed.fill(0)
  }
  return { ...(await readOwnIdentity(home, options, context)), isNew: true }
}

/** Who signs: the keys of a home and the member whose they are. */
export interface Signer {
  readonly identity: Identity
  readonly author: MemberId
  readonly dao: RecordId
}

/**
 * The keys of a home and the member that they sign as.
 * @throws X0tError DAO_KEYS_MISSING, DAO_NOT_A_MEMBER
 */
export async function signerOf(
  home: string,
  state: DaoState,
  options: PassphraseOptions,
  context: CommandContext,
): Promise<Signer> {
  const { memberKeysOf, memberWithKeys } = await import('@x0t/dao')
  const { identity, masterSeed } = await readOwnIdentity(home, options, context)
  masterSeed.fill(0)
  return { identity, author: memberWithKeys(state, memberKeysOf(identity)), dao: state.dao }
}

async function identityFileOf(home: string): Promise<string> {
  const { homeAt } = await import('@x0t/node/home')
  return homeAt(home).identityFile
}

/** The member that a home signs as, where its keys need no passphrase; undefined where that is not known. */
export async function ownMemberIfOpen(home: string, state: DaoState): Promise<MemberId | undefined> {
  const path = await identityFileOf(home)
  if (!existsSync(path)) return undefined
  const { readIdentityFile } = await import('@x0t/keys')
  try {
    const { identity, masterSeed } = await readIdentityFile(path)
    masterSeed.fill(0)
    const { memberKeysOf, memberWithKeys } = await import('@x0t/dao')
    return memberWithKeys(state, memberKeysOf(identity))
  } catch (error) {
    if (error instanceof X0tError) return undefined
    throw error
  }
}
