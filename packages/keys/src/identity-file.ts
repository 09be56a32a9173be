import { hasCode, X0tError, parseNodeId, type Clock, type NodeId, systemClock } from '@x0t/core'
import { isAgeArmor, openArmor, protectionOfArmor, sealToArmor, type AgeProtection } from './age-file.ts'
import { createIdentity, type Identity } from './identity.ts'
import { masterSeedBytes, maxEpoch } from './master-seed.ts'
import { readPublicFile, readSecretFile, writeSecretFile } from './secret-file.ts'

/** What an identity file holds. Zero `masterSeed` when done with it. */
export interface IdentityRecord {
  /** A label for people; nothing depends on it. */
  readonly name: string
  readonly masterSeed: Uint8Array
  readonly epoch: number
  /** When the keys of this epoch were made, milliseconds since 1970. */
  readonly createdMs: number
}

/** Asked for only where the file needs it. */
export type PassphraseSource = string | (() => string | Promise<string>)

export interface ReadIdentityOptions {
  readonly passphrase?: PassphraseSource
  /** `AGE-SECRET-KEY-PQ-1…` or `AGE-SECRET-KEY-1…`, for files encrypted to recipients. */
  readonly ageIdentities?: readonly string[]
}

/** An identity file as read. */
export interface StoredIdentity extends IdentityRecord {
  readonly identity: Identity
  readonly protection: 'passphrase' | 'recipients' | 'none'
  /** The bytes of the file, for a later replacement only if nobody changed it meanwhile. */
  readonly fileBytes: Uint8Array
}

export interface WriteIdentityOptions {
  /** A passphrase, age recipients, or `none`: then only the mode of the file protects the key. */
  readonly protection: AgeProtection | 'none'
  readonly force?: boolean
  readonly expected?: Uint8Array
}

const fileType = 'x0t-identity'
const publicType = 'x0t-public-identity'
const fileVersion = 1

/**
 * Reads an identity file that its owner alone may read.
 * @throws X0tError KEY_NOT_FOUND, KEY_MODE_TOO_OPEN, KEY_PASSPHRASE_NEEDED, KEY_PASSPHRASE_WRONG, KEY_RECIPIENT_MISMATCH,
 *   KEY_AGE_INVALID, KEY_INVALID, KEY_IS_PUBLIC, KEY_VERSION_UNSUPPORTED, KEY_ID_MISMATCH
 */
export async function readIdentityFile(
  path: string,
  options: ReadIdentityOptions = {},
): Promise<StoredIdentity> {
  const fileBytes = await readSecretFile(path).catch(async (error: unknown): Promise<never> => {
    // A public file may be open to all: say what it is rather than how to close it.
    if (hasCode(error, 'KEY_MODE_TOO_OPEN')) {
      const content = await readPublicFile(path)
      if (content.includes(`"${publicType}"`)) throw isPublic()
    }
    throw error
  })
  const text = fileBytes.toString('utf8')
  if (!isAgeArmor(text)) return { ...parseIdentity(fileBytes), protection: 'none', fileBytes }
  const protection = protectionOfArmor(text)
  const { passphrase, ageIdentities } = options
  const secret =
    protection === 'passphrase' && passphrase !== undefined
      ? { passphrase: typeof passphrase === 'string' ? passphrase : await passphrase() }
      : {}
  const content = await openArmor(text, {
    ...secret,
    ...(ageIdentities === undefined ? {} : { ageIdentities }),
  })
  try {
    return { ...parseIdentity(content), protection, fileBytes }
  } finally {
    content.fill(0)
  }
}

/** Writes an identity file, atomically and with mode 0600. @throws X0tError as {@link writeSecretFile} and the encryption do */
export async function writeIdentityFile(
  path: string,
  record: IdentityRecord,
  options: WriteIdentityOptions,
): Promise<void> {
  const content = serializeIdentity(record)
  try {
    const file = options.protection === 'none' ? content : await sealToArmor(content, options.protection)
    await writeSecretFile(path, file, options)
  } finally {
    content.fill(0)
  }
}

/** A record of a new identity, made now. */
export function newIdentityRecord(
  name: string,
  masterSeed: Uint8Array,
  clock: Clock = systemClock,
): IdentityRecord {
  return { name, masterSeed, epoch: 0, createdMs: clock.wallMs() }
}

/** The content of an identity file before encryption: JSON, with the id as a check on the seed. */
export function serializeIdentity(record: IdentityRecord): Buffer {
  const { name, masterSeed, epoch, createdMs } = record
  return Buffer.from(
    `${JSON.stringify(
      {
        type: fileType,
        version: fileVersion,
        name,
        nodeId: createIdentity(masterSeed, epoch).nodeId,
        epoch,
        created: new Date(createdMs).toISOString(),
        masterSeed: Buffer.from(masterSeed).toString('base64url'),
      },
      null,
      2,
    )}\n`,
  )
}

/**
 * Reads the content of an identity file. Messages never repeat what was read.
 * @throws X0tError KEY_INVALID, KEY_VERSION_UNSUPPORTED, KEY_ID_MISMATCH
 */
export function parseIdentity(content: Uint8Array): IdentityRecord & { identity: Identity } {
  const fields = parseFields(content)
  if (fields['type'] === publicType) throw isPublic()
  if (fields['type'] !== fileType) throw invalid('it is not an x0t identity')
  const { version } = fields
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1)
    throw invalid('its version is missing')
  if (version > fileVersion)
    throw new X0tError(
      'KEY_VERSION_UNSUPPORTED',
      `the identity file is of version ${version}, known is ${fileVersion}`,
    )
  const known = ['type', 'version', 'name', 'nodeId', 'epoch', 'created', 'masterSeed']
  if (Object.keys(fields).some((name) => !known.includes(name))) throw invalid('it has unknown fields')
  const { name, epoch, created, masterSeed: seedText } = fields
  if (typeof name !== 'string' || name.length > 200) throw invalid('its name is missing')
  if (typeof epoch !== 'number' || !Number.isInteger(epoch) || epoch < 0 || epoch > maxEpoch)
    throw invalid('its epoch is missing')
  const createdMs = typeof created === 'string' ? Date.parse(created) : Number.NaN
  if (Number.isNaN(createdMs)) throw invalid('its date is missing')
  const masterSeed = typeof seedText === 'string' ? Buffer.from(seedText, 'base64url') : Buffer.alloc(0)
  if (masterSeed.length !== masterSeedBytes || masterSeed.toString('base64url') !== seedText)
    throw invalid('its master seed is damaged')
  const identity = createIdentity(masterSeed, epoch)
  if (identity.nodeId !== nodeIdField(fields['nodeId']))
    throw new X0tError(
      'KEY_ID_MISMATCH',
      `the identity file names another id than its keys have, ${identity.nodeId}`,
    )
  return { name, masterSeed: new Uint8Array(masterSeed), epoch, createdMs, identity }
}

function isPublic(): X0tError {
  return new X0tError('KEY_IS_PUBLIC', 'this is a public identity, the secret one is needed', {
    hint: 'use the .key file beside it',
  })
}

function parseFields(content: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content))
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch {
    // The parser's message quotes the text, which may be secret: dropped.
  }
  throw invalid('it is not JSON')
}

function nodeIdField(value: unknown): NodeId {
  try {
    if (typeof value === 'string') return parseNodeId(value)
  } catch {
    // said below
  }
  throw invalid('its node id is damaged')
}

function invalid(why: string): X0tError {
  return new X0tError('KEY_INVALID', `this is no identity file: ${why}`, {
    hint: 'x0t keygen makes one; x0t key restore makes one from a backup',
  })
}
