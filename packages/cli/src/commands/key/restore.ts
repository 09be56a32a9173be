import type { Command } from 'commander'
import { parseNodeId, X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { askPassphrase } from '../../passphrase.ts'
import { createdIdentityView } from '../../views/key.ts'
import { sharePassphrase } from './backup.ts'
import { createdIdentity } from './generate.ts'
import { addProtectOptions, protectionOf, type ProtectOptions } from './protection-options.ts'

interface RestoreOptions extends ProtectOptions {
  readonly out: string
  readonly name: string
  readonly wordsFile?: string
  readonly shareFile?: readonly string[]
  readonly sharePassphraseFile?: string
  readonly id?: string
  readonly epoch?: string
  readonly force?: true
}

/** `x0t key restore`. */
export function registerRestore(key: Command, context: CommandContext): void {
  addProtectOptions(
    key
      .command('restore')
      .description('make the identity files again from words or shares')
      .option('--words-file <file>', 'read the 24 words from this file; asked for without it')
      .option('--share-file <file...>', 'read shares from these files, one a line')
      .option('--share-passphrase-file <file>', 'the passphrase on the shares')
      .option('--id <node-id>', 'the id that must come out; finds the epoch too')
      .option('--epoch <number>', 'rotations since the identity was made; 0 by default')
      .option('--out <directory>', 'where to write the files', '.')
      .option('--name <name>', 'name of the identity and its files', 'identity'),
  )
    .option('--force', 'replace existing files for good')
    .action(async (options: RestoreOptions) => {
      const keys = await import('@x0t/keys')
      keys.identityPaths(options.out, options.name)
      const nodeId = options.id === undefined ? undefined : parseNodeId(options.id)
      const masterSeed = await readBackup(options, context)
      try {
        const epoch =
          nodeId === undefined
            ? parseEpoch(options.epoch, keys.maxEpoch)
            : keys.epochOfNodeId(masterSeed, nodeId)
        const protection = await protectionOf(options, context)
        const { out: directory, name } = options
        const force = options.force === true
        const files = await keys.createIdentityFiles({
          directory,
          name,
          protection,
          masterSeed,
          epoch,
          force,
        })
        const output = context.output()
        output.result(
          { ...createdIdentity(name, files), encrypted: protection !== 'none' },
          createdIdentityView,
        )
        if (nodeId === undefined)
          output.note('compare the node id with the one you noted: no id was given to check')
      } finally {
        masterSeed.fill(0)
      }
    })
}

async function readBackup(options: RestoreOptions, context: CommandContext): Promise<Uint8Array> {
  const { readSecretFile, seedOfShares, seedOfWords } = await import('@x0t/keys')
  if (options.wordsFile !== undefined && options.shareFile !== undefined)
    throw new X0tError('USAGE', 'say either --words-file or --share-file', { exitCode: 2 })
  if (options.shareFile !== undefined) {
    const lines: string[] = []
    for (const path of options.shareFile)
      lines.push(...(await readSecretFile(path)).toString('utf8').split('\n'))
    return await seedOfShares(lines, await sharePassphrase(options, context))
  }
  if (options.wordsFile !== undefined)
    return seedOfWords((await readSecretFile(options.wordsFile)).toString('utf8'))
  return seedOfWords(await askPassphrase(context.streams, 'The 24 words (not shown): '))
}

function parseEpoch(text: string | undefined, maxEpoch: number): number {
  const epoch = Number(text ?? '0')
  if (/^\d+$/.test(text ?? '0') && epoch <= maxEpoch) return epoch
  throw new X0tError('USAGE', `--epoch is a whole number from 0 to ${maxEpoch}`, { exitCode: 2 })
}
