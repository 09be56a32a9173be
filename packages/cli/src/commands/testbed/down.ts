import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { portsOf, runFolderOf, withBed, type BedOption } from './bed-option.ts'

export function registerDown(testbed: Command, context: CommandContext): void {
  withBed(testbed.command('down').description('end the programs and remove all that the testbed made'))
    .option('--all', 'every testbed')
    .action(async (options: BedOption & { readonly all?: boolean }) => {
      const { chooseBed, listBeds, openBed, takeDownBed } = await import('@x0t/testbed')
      const runFolder = await runFolderOf(options, context)
      const names =
        options.all === true ? await listBeds(runFolder) : [await chooseBed(runFolder, options.bed)]
      for (const name of names) await takeDownBed(await openBed({ ...portsOf(context), name, runFolder }))
      context
        .output()
        .result({ removed: names }, (value) => `removed: ${value.removed.join(' ') || 'nothing'}`)
    })
}
