import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { confirm } from './confirm.ts'
import { openDaemon } from './daemon.ts'
import { withHome, type HomeOption } from './home-option.ts'

interface BanOptions extends HomeOption {
  readonly reason?: string
  readonly yes?: boolean
}

/** A node as people name it. */
const whom = 'node id, start of an id, name or address'

export function registerBan(node: Command, context: CommandContext): void {
  withHome(
    node
      .command('ban')
      .argument('<node>', whom)
      .description('shut a member out of the whole mesh; only the authority can')
      .option('--reason <text>', 'why, for the record')
      .option('-y, --yes', 'do not ask'),
  ).action(async (member: string, options: BanOptions) => {
    const daemon = await openDaemon(options, context)
    if (options.yes !== true)
      await confirm(`Ban ${member} from the mesh? Its connections end at once.`, context)
    const ban = await daemon.ban(
      { node: member, ...(options.reason === undefined ? {} : { reason: options.reason }) },
      { signal: context.signal },
    )
    context.output().result(ban, (value) => `banned ${value.name ?? ''} ${value.id}`.replace('  ', ' '))
  })
  withHome(
    node.command('unban').argument('<node>', whom).description('lift a ban; the member may then join again'),
  ).action(async (member: string, options: HomeOption) => {
    const daemon = await openDaemon(options, context)
    const lifted = await daemon.unban({ node: member }, { signal: context.signal })
    context.output().result(lifted, (value) => `lifted the ban of ${value.id}`)
  })
  withHome(node.command('bans').description('list the banned members')).action(
    async (options: HomeOption) => {
      const daemon = await openDaemon(options, context)
      const bans = await daemon.bans(undefined, { signal: context.signal })
      const { bansView } = await import('../../views/node.ts')
      context.output().result(bans, bansView)
    },
  )
}
