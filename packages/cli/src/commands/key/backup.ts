import { join } from 'node:path'
import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { passphraseSource } from '../../passphrase.ts'
import { sharesView, wordsView, writtenFilesView } from '../../views/key.ts'
import { addUnlockOptions, unlock, type UnlockOptions } from './protection-options.ts'

interface BackupOptions extends UnlockOptions {
  readonly words?: true
  readonly shares?: string
  readonly sharePassphraseFile?: string
  readonly out?: string
  readonly stdout?: true
  readonly force?: true
}

/** `x0t key backup`. */
export function registerBackup(key: Command, context: CommandContext): void {
  addUnlockOptions(
    key
      .command('backup')
      .description('the identity as 24 words, or split into shares of which some are enough')
      .argument('<file>')
      .option('--words', 'print the 24 words (BIP39)')
      .option('--shares <k/n>', 'n shares of which any k give the identity back (SLIP-39), such as 2/3')
      .option(
        '--share-passphrase-file <file>',
        'a passphrase on the shares; a wrong one gives another identity',
      )
      .option('--out <directory>', 'write the shares to files here, one each')
      .option('--stdout', 'print the shares')
      .option('--force', 'replace existing files'),
  ).action(async (file: string, options: BackupOptions) => {
    if ((options.words === true) === (options.shares !== undefined))
      throw usage('say either --words or --shares K/N')
    if (options.shares !== undefined && (options.out === undefined) === (options.stdout !== true))
      throw usage('say where the shares go: --out DIRECTORY or --stdout')
    const keys = await import('@x0t/keys')
    const scheme = options.shares === undefined ? undefined : keys.parseShareScheme(options.shares)
    const stored = await keys.readIdentityFile(file, await unlock(options, context))
    const { nodeId, epoch } = stored.identity
    const output = context.output()
    try {
      if (scheme === undefined) {
        const words = keys.wordsOfSeed(stored.masterSeed).split(' ')
        output.result({ nodeId, epoch, words }, wordsView)
      } else {
        const shares = await keys.sharesOfSeed(
          stored.masterSeed,
          scheme,
          await sharePassphrase(options, context),
        )
        if (options.out === undefined) output.result({ nodeId, epoch, ...scheme, shares }, sharesView)
        else {
          const files = shares.map((_, index) => join(options.out!, `${stored.name}.share-${index + 1}.txt`))
          for (const [index, share] of shares.entries())
            await keys.writeSecretFile(files[index]!, `${share}\n`, { force: options.force === true })
          output.result({ nodeId, epoch, files }, writtenFilesView)
        }
      }
      output.note(`note the node id with it: ${nodeId}`)
    } finally {
      stored.masterSeed.fill(0)
    }
  })
}

/** The passphrase of shares; none by default. */
export async function sharePassphrase(
  options: { readonly sharePassphraseFile?: string },
  context: CommandContext,
): Promise<string> {
  if (options.sharePassphraseFile === undefined) return ''
  return await passphraseSource({ passphraseFile: options.sharePassphraseFile }, context.streams)()
}

function usage(message: string): X0tError {
  return new X0tError('USAGE', message, { exitCode: 2 })
}
