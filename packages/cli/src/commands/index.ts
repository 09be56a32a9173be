import type { Command } from 'commander'
import type { CommandContext } from '../main.ts'
import { registerCompletion } from './completion/index.ts'
import { registerConfig } from './config/index.ts'
import { registerHelp } from './help/index.ts'
import { registerNode } from './node/index.ts'

/** Adds every command to the program. Libraries are loaded inside the actions, so that `--help` stays fast. */
export function registerCommands(program: Command, context: CommandContext): void {
  registerNode(program, context)
  registerConfig(program, context)
  registerCompletion(program, context)
  registerHelp(program, context)
}
