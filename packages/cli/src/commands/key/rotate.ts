import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { AgeProtection, StoredIdentity } from '@x0t/keys'
import type { CommandContext } from '../../main.ts'
import { passphraseSource } from '../../passphrase.ts'
import { rotatedIdentityView } from '../../views/key.ts'
import { createdIdentity } from './generate.ts'
import {
  addUnlockOptions,
  resolveRecipients,
  scryptOption,
  unlock,
  type UnlockOptions,
} from './protection-options.ts'

interface RotateOptions extends UnlockOptions {
  readonly newSeed?: true
  readonly recipient?: readonly string[]
  readonly scryptLogN?: number
}

/** `x0t key rotate`. */
export function registerRotate(key: Command, context: CommandContext): void {
  addUnlockOptions(
    key
      .command('rotate')
      .description(
        'replace an identity by its next epoch (peers follow its record), or by a new one (--new-seed)',
      )
      .argument('<file>')
      .option(
        '--new-seed',
        'after a compromise: another identity, which must be admitted again; the old id must be banned',
      )
      .option(
        '--recipient <recipient...>',
        'encrypt the new file to these; needed where the old one was encrypted so',
      )
      .addOption(scryptOption()),
  ).action(async (file: string, options: RotateOptions) => {
    const { readIdentityFile, rotateIdentityFile } = await import('@x0t/keys')
    const keys = await unlock(options, context)
    let asked: string | undefined
    const passphrase = async (): Promise<string> =>
      (asked ??= await passphraseSource(options, context.streams)())
    const stored = await readIdentityFile(file, { ...keys, passphrase })
    try {
      const protection = await sameProtection(stored, asked, options)
      const rotated = await rotateIdentityFile(file, stored, {
        protection,
        newSeed: options.newSeed === true,
      })
      const { oldNodeId, rotationPath, formerPath } = rotated
      context.output().result(
        {
          ...createdIdentity(stored.name, rotated),
          encrypted: protection !== 'none',
          oldNodeId,
          ...(rotationPath === undefined ? {} : { rotationFile: rotationPath }),
          ...(formerPath === undefined ? {} : { formerFile: formerPath }),
        },
        rotatedIdentityView,
      )
    } finally {
      stored.masterSeed.fill(0)
    }
  })
}

/** The protection that the file had. */
async function sameProtection(
  stored: StoredIdentity,
  passphrase: string | undefined,
  { recipient = [], scryptLogN }: RotateOptions,
): Promise<AgeProtection | 'none'> {
  if (recipient.length > 0) return { recipients: await resolveRecipients(recipient) }
  if (stored.protection === 'none') return 'none'
  if (stored.protection === 'passphrase' && passphrase !== undefined)
    return { passphrase, ...(scryptLogN === undefined ? {} : { scryptLogN }) }
  throw new X0tError(
    'USAGE',
    'the file was encrypted to age recipients, which it does not name: say --recipient',
    {
      exitCode: 2,
    },
  )
}
