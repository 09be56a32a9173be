import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { bedOf, portsOf, runFolderOf, withBed, type BedOption } from './bed-option.ts'

export function registerStatus(testbed: Command, context: CommandContext): void {
  withBed(testbed.command('status').description('hosts, links and active faults'))
    .option('--all', 'list all testbeds')
    .action(async (options: BedOption & { readonly all?: boolean }) => {
      const { bedStatus, listBeds, openBed } = await import('@x0t/testbed')
      const { bedsView, statusView } = await import('../../views/testbed.ts')
      if (options.all !== true) {
        context.output().result(await bedStatus(await bedOf(options, context)), statusView)
        return
      }
      const runFolder = await runFolderOf(options, context)
      const beds = await Promise.all(
        (await listBeds(runFolder)).map(async (name) =>
          bedStatus(await openBed({ ...portsOf(context), name, runFolder })),
        ),
      )
      context.output().result({ beds }, (value) => bedsView(value.beds))
    })
}
