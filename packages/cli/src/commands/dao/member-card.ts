import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { homeOf } from '../node/home-option.ts'
import { withSigner } from './dao-options.ts'
import { readOrMakeOwnIdentity, type SignerOptions } from './own-keys.ts'

interface CardOptions extends SignerOptions {
  readonly name?: string
  readonly out?: string
  readonly force?: boolean
}

export function registerMemberCard(member: Command, context: CommandContext): void {
  withSigner(
    member
      .command('card')
      .description(
        "this home's public keys as a file that lets it in: x0t dao member add FILE; makes keys if needed",
      )
      .option('--name <name>', 'the name on it (default: that of the keys)')
      .option('--out <file>', 'write it to this file (default: standard output)')
      .option('--force', 'replace the file'),
  ).action(async (options: CardOptions) => {
    const home = await homeOf(options, context)
    const own = await readOrMakeOwnIdentity(home, options, context)
    const { publicIdentityFile, writeSecretFile } = await import('@x0t/keys')
    const name = options.name ?? own.name
    const card = publicIdentityFile({ ...own, name })
    own.masterSeed.fill(0)
    if (options.out !== undefined)
      await writeSecretFile(options.out, card, { force: options.force === true, mode: 0o644 })
    const { memberCardView } = await import('../../views/dao-members.ts')
    const { nodeId } = own.identity
    const file = options.out ?? null
    context.output().result({ id: nodeId, name, file, madeKeys: own.isNew, card }, memberCardView)
  })
}
