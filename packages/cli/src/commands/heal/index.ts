import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { registerDrill } from './drill.ts'
import { registerHistory } from './history.ts'
import { registerPolicy } from './policy.ts'
import { registerSafeMode } from './safe-mode.ts'
import { registerShow } from './show.ts'
import { registerStatus } from './status.ts'

/** `x0t heal …`: the healing loop of the node of this machine. */
export function registerHeal(program: Command, context: CommandContext): void {
  const heal = program.command('heal').description('what the healing loop saw, decided and mended')
  registerStatus(heal, context)
  registerHistory(heal, context)
  registerShow(heal, context)
  registerPolicy(heal, context)
  registerDrill(heal, context)
  registerSafeMode(heal, context)
}
