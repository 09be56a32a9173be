import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from './daemon.ts'
import { withHome, type HomeOption } from './home-option.ts'

export function registerTokens(node: Command, context: CommandContext): void {
  const tokens = node.command('tokens').description('join tokens that were made on this node')
  withHome(tokens.command('list').description('list them, without their secrets')).action(
    async (options: HomeOption) => {
      const daemon = await openDaemon(options, context)
      const list = await daemon.tokens(undefined, { signal: context.signal })
      const { tokensView } = await import('../../views/node.ts')
      context.output().result(list, (value) => tokensView(value, Date.now()))
    },
  )
  withHome(
    tokens
      .command('revoke')
      .argument('<id>', 'id of the token')
      .description('withdraw a token before it is used'),
  ).action(async (id: string, options: HomeOption) => {
    const daemon = await openDaemon(options, context)
    const revoked = await daemon.revokeToken({ id }, { signal: context.signal })
    context.output().result(revoked, (value) => `revoked ${value.id}`)
  })
}
