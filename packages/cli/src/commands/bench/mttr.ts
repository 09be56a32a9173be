import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { addUrlOptions, runUrl, type UrlFlags } from './mttr-url.ts'
import { withReport } from './report-options.ts'

export function registerMttr(bench: Command, context: CommandContext): void {
  withReport(
    addUrlOptions(bench.command('mttr').description('time to recovery under real faults, on real packets')),
  ).action(async (flags: UrlFlags) => {
    if (flags.url === undefined)
      throw new X0tError('USAGE', 'no --url was given', { exitCode: 2, hint: 'x0t bench mttr --help' })
    await runUrl(flags.url, flags, context)
  })
}
