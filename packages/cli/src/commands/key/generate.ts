import type { Command } from 'commander'
import { overlayAddress } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { createdIdentityView, type CreatedIdentity } from '../../views/key.ts'
import { addProtectOptions, protectionOf, type ProtectOptions } from './protection-options.ts'

interface GenerateOptions extends ProtectOptions {
  readonly out: string
  readonly name: string
  readonly words?: true
  readonly force?: true
}

/** `x0t keygen`, also as `x0t key generate`. */
export function registerGenerate(parent: Command, verb: string, context: CommandContext): void {
  addProtectOptions(
    parent
      .command(verb)
      .description('make a new post-quantum identity: NAME.key (secret) and NAME.pub')
      .option('--out <directory>', 'where to write the files', '.')
      .option('--name <name>', 'name of the identity and its files', 'identity'),
  )
    .option('--words', 'also print the 24 words of the backup')
    .option('--force', 'replace existing files for good')
    .action(async (options: GenerateOptions) => {
      const { createIdentityFiles, generateMasterSeed, identityPaths, wordsOfSeed } =
        await import('@x0t/keys')
      identityPaths(options.out, options.name) // a bad name is said before a passphrase is asked for
      const protection = await protectionOf(options, context)
      const masterSeed = generateMasterSeed()
      try {
        const files = await createIdentityFiles({
          directory: options.out,
          name: options.name,
          protection,
          masterSeed,
          force: options.force === true,
        })
        const result: CreatedIdentity = {
          ...createdIdentity(options.name, files),
          encrypted: protection !== 'none',
          ...(options.words === true ? { words: wordsOfSeed(masterSeed) } : {}),
        }
        const output = context.output()
        output.result(result, createdIdentityView)
        if (options.words !== true)
          output.note(`next: x0t key backup ${files.keyPath} --words   (keep them offline)`)
      } finally {
        masterSeed.fill(0)
      }
    })
}

/** What is told of an identity that was just written. */
export function createdIdentity(
  name: string,
  files: {
    readonly identity: { readonly nodeId: CreatedIdentity['nodeId']; readonly epoch: number }
    readonly keyPath: string
    readonly publicPath: string
    readonly ageRecipient: string
  },
): Omit<CreatedIdentity, 'encrypted'> {
  const { nodeId, epoch } = files.identity
  return {
    nodeId,
    name,
    epoch,
    overlayAddress: overlayAddress(nodeId),
    keyFile: files.keyPath,
    publicFile: files.publicPath,
    ageRecipient: files.ageRecipient,
  }
}
