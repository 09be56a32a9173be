import type { Command } from 'commander'
import type { CommandContext } from '../main.ts'

/** Adds every command to the program. Libraries are loaded inside the actions, so that `--help` stays fast. */
export function registerCommands(program: Command, context: CommandContext): void {
  void program
  void context
}
