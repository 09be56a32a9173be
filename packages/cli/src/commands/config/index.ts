import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { registerCheck } from './check.ts'
import { registerInit } from './init.ts'
import { registerShow } from './show.ts'

/** `x0t config …`: the settings of a node. */
export function registerConfig(program: Command, context: CommandContext): void {
  const config = program.command('config').description('the settings of a node')
  registerShow(config, context)
  registerCheck(config, context)
  registerInit(config, context)
}
