import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { withSigner } from './dao-options.ts'
import { findMember } from './find-by-prefix.ts'
import { openDao, signNext } from './open-dao.ts'
import { signerOf, type SignerOptions } from './own-keys.ts'
import { pokeDaemon } from './poke-daemon.ts'
import { named } from './proposal-report.ts'

interface DelegateOptions extends SignerOptions {
  readonly revoke?: boolean
}

export function registerDelegate(dao: Command, context: CommandContext): void {
  withSigner(
    dao
      .command('delegate')
      .argument('[member]', 'name or id of the member whose ballot counts for you where you cast none')
      .description('let another vote for you on proposals made from now on; an own ballot always comes first')
      .option('--revoke', 'let nobody vote for you any more'),
  ).action(async (word: string | undefined, options: DelegateOptions) => {
    if ((word === undefined) !== (options.revoke === true))
      throw new X0tError('USAGE', 'say whom you trust, or --revoke', { exitCode: 2 })
    await using opened = await openDao(options, context)
    const state = await opened.state()
    const signer = await signerOf(opened.home, state, options, context)
    const member = signer.author
    const to = word === undefined ? null : findMember(state, word)
    const { createDelegate } = await import('@x0t/dao')
    const { id } = await signNext(opened, signer, createDelegate(state, member, to))
    await pokeDaemon(options, context)
    const { delegationView } = await import('../../views/dao-members.ts')
    context
      .output()
      .result(
        { member: named(state, member), delegate: to === null ? null : named(state, to), record: id },
        delegationView,
      )
  })
}
