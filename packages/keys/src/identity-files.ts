import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, shortNodeId, systemClock, X0tError, type Clock, type NodeId, type Random } from '@x0t/core'
import type { AgeProtection } from './age-file.ts'
import { ageRecipientOf } from './age-identity.ts'
import { createIdentity, type Identity } from './identity.ts'
import {
  newIdentityRecord,
  writeIdentityFile,
  type IdentityRecord,
  type StoredIdentity,
} from './identity-file.ts'
import { generateMasterSeed } from './master-seed.ts'
import { publicIdentityFile } from './public-identity.ts'
import { encodeRotationPem, rotate } from './rotation.ts'
import { writeSecretFile } from './secret-file.ts'

/** The files of an identity: the secret one, and the public one beside it. */
export interface IdentityFiles {
  readonly identity: Identity
  readonly ageRecipient: string
  readonly keyPath: string
  readonly publicPath: string
}

export interface CreateIdentityFilesOptions {
  readonly directory: string
  readonly name: string
  readonly protection: AgeProtection | 'none'
  readonly force?: boolean
  readonly clock?: Clock
  readonly random?: Random
  /** Of a backup; a new one by default. Only read. */
  readonly masterSeed?: Uint8Array
  readonly epoch?: number
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** `<name>.key` and `<name>.pub` in a directory. @throws X0tError KEY_NAME_INVALID */
export function identityPaths(directory: string, name: string): { keyPath: string; publicPath: string } {
  if (!namePattern.test(name))
    throw new X0tError('KEY_NAME_INVALID', `${JSON.stringify(name.slice(0, 80))} cannot name an identity`, {
      hint: 'letters, digits, dots, dashes and underscores',
      exitCode: 2,
    })
  return { keyPath: join(directory, `${name}.key`), publicPath: join(directory, `${name}.pub`) }
}

/**
 * Makes an identity, new or from a backup, and writes its two files.
 * @throws X0tError KEY_NAME_INVALID, KEY_EXISTS and what {@link writeSecretFile} throws
 */
export async function createIdentityFiles(options: CreateIdentityFilesOptions): Promise<IdentityFiles> {
  const { directory, name, protection, force = false } = options
  const paths = identityPaths(directory, name)
  if (!force) await refuseExisting(paths.publicPath)
  const masterSeed = options.masterSeed ?? generateMasterSeed(options.random)
  try {
    const epoch = options.epoch ?? 0
    const record = { ...newIdentityRecord(name, masterSeed, options.clock), epoch }
    await writeIdentityFile(paths.keyPath, record, { protection, force })
    return { ...(await writePublicFile(record, paths.publicPath)), ...paths }
  } finally {
    if (options.masterSeed === undefined) masterSeed.fill(0)
  }
}

/** Result of {@link rotateIdentityFile}. */
export interface RotatedIdentity extends IdentityFiles {
  readonly oldNodeId: NodeId
  /** What peers follow the rotation by; absent after a change of seed, which nobody can vouch for. */
  readonly rotationPath?: string
  /** Where the former identity went; only after a change of seed. */
  readonly formerPath?: string
}

/**
 * Replaces an identity file by its next epoch (same seed, peers follow by the record), or with `newSeed` by another
 * identity, which must be admitted again. The file must not have changed since it was read.
 * @throws X0tError KEY_CHANGED_MEANWHILE, KEY_CLOCK_BEHIND and what {@link writeSecretFile} throws
 */
export async function rotateIdentityFile(
  keyPath: string,
  stored: StoredIdentity,
  options: {
    readonly protection: AgeProtection | 'none'
    readonly newSeed?: boolean
    readonly clock?: Clock
    readonly random?: Random
  },
): Promise<RotatedIdentity> {
  const { protection, clock = systemClock } = options
  const base = keyPath.replace(/\.key$/, '')
  const publicPath = `${base}.pub`
  const oldNodeId = stored.identity.nodeId
  const replacement = { protection, expected: stored.fileBytes }
  if (options.newSeed === true) {
    const formerPath = `${base}.${shortNodeId(oldNodeId)}.old`
    const masterSeed = generateMasterSeed(options.random)
    try {
      await writeSecretFile(formerPath, stored.fileBytes, { force: true })
      const record = newIdentityRecord(stored.name, masterSeed, clock)
      await writeIdentityFile(keyPath, record, replacement)
      return { ...(await writePublicFile(record, publicPath)), keyPath, publicPath, oldNodeId, formerPath }
    } finally {
      masterSeed.fill(0)
    }
  }
  const { next, rotationRecord } = rotate(stored, clock)
  const rotationPath = `${base}.rotation-${next.epoch}.pem`
  // The record first: without it peers could not follow an identity that is already the new one.
  await writeSecretFile(rotationPath, encodeRotationPem(rotationRecord), { force: true, mode: 0o644 })
  await writeIdentityFile(keyPath, next, replacement)
  return { ...(await writePublicFile(next, publicPath)), keyPath, publicPath, oldNodeId, rotationPath }
}

async function writePublicFile(
  record: IdentityRecord,
  publicPath: string,
): Promise<{ identity: Identity; ageRecipient: string }> {
  await writeSecretFile(publicPath, publicIdentityFile(record), { force: true, mode: 0o644 })
  return {
    identity: createIdentity(record.masterSeed, record.epoch),
    ageRecipient: ageRecipientOf(record.masterSeed, record.epoch),
  }
}

async function refuseExisting(path: string): Promise<void> {
  try {
    await lstat(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return
    throw error
  }
  throw new X0tError('KEY_EXISTS', `${path} exists already`, {
    hint: 'choose another name, or --force to replace it for good',
  })
}
