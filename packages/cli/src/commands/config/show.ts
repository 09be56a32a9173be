import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { configOf, withConfigFlags, type ConfigOptions } from '../node/config-flags.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome } from '../node/home-option.ts'

export function registerShow(config: Command, context: CommandContext): void {
  withConfigFlags(
    withHome(config.command('show').description('show every setting and where its value comes from')).option(
      '--running',
      'the settings with which the running node was started',
    ),
  ).action(async (options: ConfigOptions & { readonly running?: boolean }) => {
    const { configView, runningConfigView } = await import('../../views/config.ts')
    if (options.running === true) {
      const daemon = await openDaemon(options, context)
      const running = await daemon.config(undefined, { signal: context.signal })
      context.output().result(running, runningConfigView)
      return
    }
    const { home, entries } = await configOf(options, context)
    context.output().result({ home, settings: entries }, (value) => configView(value.settings))
  })
}
