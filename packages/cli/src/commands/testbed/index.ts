import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { registerDown } from './down.ts'
import { registerExec } from './exec.ts'
import { registerFault } from './fault.ts'
import { registerStatus } from './status.ts'
import { registerUp } from './up.ts'

/** `x0t testbed …`: many hosts on this machine. */
export function registerTestbed(program: Command, context: CommandContext): void {
  const testbed = program
    .command('testbed')
    .description('many hosts on this machine, in network namespaces, with real faults')
  registerUp(testbed, context)
  registerStatus(testbed, context)
  registerExec(testbed, context)
  registerFault(testbed, context)
  registerDown(testbed, context)
}
