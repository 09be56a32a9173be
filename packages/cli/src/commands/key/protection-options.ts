import { Option, type Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { AgeProtection, ReadIdentityOptions } from '@x0t/keys'
import type { CommandContext } from '../../main.ts'
import { newPassphrase, passphraseSource, type PassphraseOptions } from '../../passphrase.ts'

/** Options of commands that open a key file. */
export interface UnlockOptions extends PassphraseOptions {
  readonly ageIdentity?: string
}

/** Options of commands that write a secret. */
export interface ProtectOptions extends PassphraseOptions {
  readonly recipient?: readonly string[]
  /** False where `--no-passphrase` was said. */
  readonly passphrase: boolean
}

export function addUnlockOptions(command: Command): Command {
  return command
    .option('--passphrase-file <file>', 'read the passphrase from this file (first line, mode 0600)')
    .option('--passphrase-fd <number>', 'read the passphrase from this file descriptor')
    .option('--age-identity <file>', 'open a file that was encrypted to age recipients with these identities')
}

export function addProtectOptions(command: Command): Command {
  return command
    .option('--passphrase-file <file>', 'read the passphrase from this file (first line, mode 0600)')
    .option('--passphrase-fd <number>', 'read the passphrase from this file descriptor')
    .option('--recipient <recipient...>', 'encrypt to age recipients (age1pq1…, age1…) or .pub files instead')
    .addOption(scryptOption())
    .option('--no-passphrase', 'do not encrypt: the file mode alone protects the secret')
}

/** Options of commands that open one secret and write another. */
export function addNewProtectOptions(command: Command): Command {
  return addUnlockOptions(command)
    .option('--new-passphrase-file <file>', 'read the new passphrase from this file')
    .option('--new-passphrase-fd <number>', 'read the new passphrase from this file descriptor')
    .option('--recipient <recipient...>', 'encrypt to age recipients (age1pq1…, age1…) or .pub files instead')
    .addOption(scryptOption())
    .option('--no-passphrase', 'do not encrypt: the file mode alone protects the secret')
}

export interface NewProtectOptions extends UnlockOptions {
  readonly newPassphraseFile?: string
  readonly newPassphraseFd?: string
  readonly recipient?: readonly string[]
  readonly passphrase: boolean
  readonly scryptLogN?: number
}

/** The work that guessing a passphrase takes. */
export function scryptOption(): Option {
  return new Option(
    '--scrypt-log-n <number>',
    'work of guessing a passphrase, log2: 18 takes about a second',
  ).argParser((text: string): number => {
    const logN = Number(text)
    if (Number.isInteger(logN) && logN >= 10 && logN <= 20) return logN
    throw new X0tError('USAGE', '--scrypt-log-n is a whole number from 10 to 20', {
      exitCode: 2,
    })
  })
}

/** The protection that the new-… options ask for. */
export async function newProtection(
  options: NewProtectOptions,
  context: CommandContext,
): Promise<AgeProtection | 'none'> {
  const { newPassphraseFile, newPassphraseFd, recipient, passphrase, scryptLogN } = options
  return await protectionOf(
    {
      ...(newPassphraseFile === undefined ? {} : { passphraseFile: newPassphraseFile }),
      ...(newPassphraseFd === undefined ? {} : { passphraseFd: newPassphraseFd }),
      ...(recipient === undefined ? {} : { recipient }),
      ...(scryptLogN === undefined ? {} : { scryptLogN }),
      passphrase,
    },
    context,
  )
}

/** The protection that the options ask for; asks for a passphrase where they say nothing. */
export async function protectionOf(
  options: ProtectOptions & { readonly scryptLogN?: number },
  context: CommandContext,
): Promise<AgeProtection | 'none'> {
  const { recipient = [], passphrase, scryptLogN } = options
  const given = options.passphraseFile !== undefined || options.passphraseFd !== undefined
  if (Number(given) + Number(recipient.length > 0) + Number(!passphrase) > 1)
    throw new X0tError('USAGE', 'a passphrase, --recipient and --no-passphrase exclude each other', {
      exitCode: 2,
    })
  if (!passphrase) return 'none'
  if (recipient.length > 0) return { recipients: await resolveRecipients(recipient) }
  return {
    passphrase: await newPassphrase(options, context.streams),
    ...(scryptLogN === undefined ? {} : { scryptLogN }),
  }
}

/** `age1…` stays as it is; anything else is the path of a public identity. */
export async function resolveRecipients(words: readonly string[]): Promise<string[]> {
  const { parsePublicIdentity, readPublicFile } = await import('@x0t/keys')
  return await Promise.all(
    words.map(async (word) =>
      /^age1[a-z0-9]+$/.test(word)
        ? word
        : parsePublicIdentity((await readPublicFile(word)).toString()).ageRecipient,
    ),
  )
}

/** How the key file of a command is opened. */
export async function unlock(options: UnlockOptions, context: CommandContext): Promise<ReadIdentityOptions> {
  const passphrase = passphraseSource(options, context.streams)
  if (options.ageIdentity === undefined) return { passphrase }
  const { readSecretFile } = await import('@x0t/keys')
  const content = await readSecretFile(options.ageIdentity)
  const lines = content.toString('utf8').split('\n')
  content.fill(0)
  return { passphrase, ageIdentities: lines.filter((line) => line.trim() !== '' && !line.startsWith('#')) }
}
