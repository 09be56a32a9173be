import { Argument, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from './daemon.ts'
import { withHome, type HomeOption } from './home-option.ts'

type Level = 'debug' | 'info' | 'warn' | 'error'

export function registerLogLevel(node: Command, context: CommandContext): void {
  withHome(
    node
      .command('log-level')
      .addArgument(new Argument('<level>').choices(['debug', 'info', 'warn', 'error']))
      .description('change what the running node logs, until it ends'),
  ).action(async (level: Level, options: HomeOption) => {
    const daemon = await openDaemon(options, context)
    const now = await daemon.logLevel({ level }, { signal: context.signal })
    context.output().result(now, (value) => value.level)
  })
}
