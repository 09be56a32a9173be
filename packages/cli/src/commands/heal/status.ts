import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'

export function registerStatus(heal: Command, context: CommandContext): void {
  withHome(
    heal.command('status').description('show the state of the loop, open incidents and limits'),
  ).action(async (options: HomeOption) => {
    const daemon = await openDaemon(options, context)
    const status = await daemon.healStatus(undefined, { signal: context.signal })
    const { healStatusView } = await import('../../views/heal.ts')
    context.output().result(status, (value) => healStatusView(value, Date.now()))
  })
}
