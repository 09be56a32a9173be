import type { Decrypter, Encrypter } from 'age-encryption'
import { messageOf, X0tError } from '@x0t/core'

/** Work factor of scrypt, log2 N, that age itself uses: about one second and 256 MiB. */
export const defaultScryptLogN = 18

/** What a file is encrypted with: one passphrase, or age recipients (`age1pq1…`, `age1…`). */
export type AgeProtection =
  | { readonly passphrase: string; readonly scryptLogN?: number }
  | { readonly recipients: readonly string[] }

/** What a file may be opened with. */
export interface AgeKeys {
  readonly passphrase?: string
  /** `AGE-SECRET-KEY-PQ-1…` or `AGE-SECRET-KEY-1…` */
  readonly ageIdentities?: readonly string[]
}

/** An encrypter set up for this protection. @throws X0tError KEY_RECIPIENT_INVALID, KEY_PASSPHRASE_NEEDED (it is empty) */
export async function ageEncrypter(protection: AgeProtection): Promise<Encrypter> {
  const { Encrypter } = await loadAge()
  const encrypter = new Encrypter()
  if ('passphrase' in protection) {
    if (protection.passphrase === '') throw new X0tError('KEY_PASSPHRASE_NEEDED', 'the passphrase is empty')
    encrypter.setScryptWorkFactor(protection.scryptLogN ?? defaultScryptLogN)
    encrypter.setPassphrase(protection.passphrase)
    return encrypter
  }
  if (protection.recipients.length === 0) throw new X0tError('KEY_RECIPIENT_INVALID', 'no recipient is given')
  for (const recipient of protection.recipients) {
    try {
      encrypter.addRecipient(recipient)
    } catch (error) {
      throw new X0tError(
        'KEY_RECIPIENT_INVALID',
        `${JSON.stringify(recipient.slice(0, 24))}… is not an age recipient`,
        { cause: error, hint: 'x0t key public FILE --format age prints one' },
      )
    }
  }
  return encrypter
}

/** Encrypts and armours a small secret. */
export async function sealToArmor(secret: Uint8Array, protection: AgeProtection): Promise<string> {
  const { armor } = await loadAge()
  const encrypter = await ageEncrypter(protection)
  return armor.encode(await encrypter.encrypt(secret))
}

/** True if the text begins like an armoured age file. */
export function isAgeArmor(text: string): boolean {
  return text.startsWith('-----BEGIN AGE ENCRYPTED FILE-----')
}

/** How an armoured file is protected, read from the first line of its header. @throws X0tError KEY_AGE_INVALID */
export function protectionOfArmor(text: string): 'passphrase' | 'recipients' {
  const line = /^-----BEGIN AGE ENCRYPTED FILE-----\r?\n([A-Za-z0-9+/]{64})\r?\n/.exec(text)?.[1] ?? ''
  return protectionOfHeader(Buffer.from(line, 'base64').toString('latin1'))
}

/** The same of the first bytes of a binary file. @throws X0tError KEY_AGE_INVALID */
export function protectionOfHeader(start: string): 'passphrase' | 'recipients' {
  if (!start.startsWith('age-encryption.org/v1\n-> '))
    throw new X0tError('KEY_AGE_INVALID', 'this is not an age file of version 1')
  return start.startsWith('age-encryption.org/v1\n-> scrypt ') ? 'passphrase' : 'recipients'
}

/**
 * The content of a small armoured file.
 * @throws X0tError KEY_AGE_INVALID, KEY_PASSPHRASE_NEEDED, KEY_PASSPHRASE_WRONG, KEY_RECIPIENT_MISMATCH
 */
export async function openArmor(text: string, keys: AgeKeys): Promise<Uint8Array> {
  const kind = protectionOfArmor(text)
  const decrypter = await ageDecrypter(kind, keys)
  const file = await dearmor(text)
  try {
    return await decrypter.decrypt(file)
  } catch (error) {
    throw decryptionFailure(kind, error)
  }
}

/** A decrypter for a file of this kind. @throws X0tError KEY_PASSPHRASE_NEEDED, KEY_RECIPIENT_MISMATCH, KEY_INVALID */
export async function ageDecrypter(kind: 'passphrase' | 'recipients', keys: AgeKeys): Promise<Decrypter> {
  const { Decrypter } = await loadAge()
  const decrypter = new Decrypter()
  if (kind === 'passphrase') {
    if (keys.passphrase === undefined)
      throw new X0tError(
        'KEY_PASSPHRASE_NEEDED',
        'the file is encrypted with a passphrase and none was given',
        {
          hint: 'run it in a terminal, or use --passphrase-file',
        },
      )
    decrypter.addPassphrase(keys.passphrase)
    return decrypter
  }
  if (keys.ageIdentities === undefined || keys.ageIdentities.length === 0)
    throw new X0tError(
      'KEY_RECIPIENT_MISMATCH',
      'the file is encrypted for age recipients and no identity was given',
    )
  for (const identity of keys.ageIdentities) {
    try {
      decrypter.addIdentity(identity.trim())
    } catch {
      // No cause: its message might repeat the secret.
      throw new X0tError('KEY_INVALID', 'an age identity is malformed; expected AGE-SECRET-KEY-PQ-1…')
    }
  }
  return decrypter
}

/** Names what went wrong in a decryption, by what was tried. */
export function decryptionFailure(kind: 'passphrase' | 'recipients', error: unknown): X0tError {
  if (!/no identity matched/.test(messageOf(error)))
    return new X0tError('KEY_AGE_INVALID', 'the encrypted file is damaged or cut off', { cause: error })
  return kind === 'passphrase'
    ? new X0tError('KEY_PASSPHRASE_WRONG', 'the passphrase does not open the file', { cause: error })
    : new X0tError('KEY_RECIPIENT_MISMATCH', 'the file is encrypted for other recipients', { cause: error })
}

/** The binary file in an armour. @throws X0tError KEY_AGE_INVALID */
export async function dearmor(text: string): Promise<Uint8Array> {
  const { armor } = await loadAge()
  try {
    return armor.decode(text)
  } catch (error) {
    throw new X0tError('KEY_AGE_INVALID', 'the age armour is damaged or cut off', { cause: error })
  }
}

/** Loaded when first needed: it is a third of the start-up time of a command. */
async function loadAge(): Promise<typeof import('age-encryption')> {
  return await import('age-encryption')
}
