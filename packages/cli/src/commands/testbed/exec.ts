import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { bedOf, withBed, type BedOption } from './bed-option.ts'

export function registerExec(testbed: Command, context: CommandContext): void {
  withBed(
    testbed
      .command('exec')
      .description('run a command on a host; its exit code becomes that of x0t')
      .argument('<host>')
      .argument('<command...>', 'after --: the command and its words'),
  ).action(async (host: string, command: readonly string[], options: BedOption) => {
    const { runInHost } = await import('@x0t/testbed')
    context.exitCode(await runInHost(await bedOf(options, context), host, command))
  })
}
