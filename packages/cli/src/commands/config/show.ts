import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { configOf, withConfigFlags, type ConfigOptions } from '../node/config-flags.ts'
import { withHome } from '../node/home-option.ts'

export function registerShow(config: Command, context: CommandContext): void {
  withConfigFlags(
    withHome(config.command('show').description('show every setting and where its value comes from')),
  ).action(async (options: ConfigOptions) => {
    const { home, entries } = await configOf(options, context)
    const { configView } = await import('../../views/config.ts')
    context.output().result({ home, settings: entries }, (value) => configView(value.settings))
  })
}
