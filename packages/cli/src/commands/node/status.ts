import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from './daemon.ts'
import { withHome, type HomeOption } from './home-option.ts'

export function registerStatus(node: Command, context: CommandContext): void {
  withHome(node.command('status').description('show how the running node fares'))
    .option('-w, --watch', 'a live view of peers, rates, routes and events; q quits')
    .action(async (options: HomeOption & { readonly watch?: boolean }) => {
      const daemon = await openDaemon(options, context)
      const { signal } = context
      if (options.watch === true && !context.output().json) {
        const { watchStatus } = await import('./watch-status.ts')
        await watchStatus(daemon, context)
        return
      }
      const status = await daemon.status(undefined, { signal })
      const { statusView } = await import('../../views/node.ts')
      context.output().result(status, (value) => statusView(value, Date.now()))
    })
}
