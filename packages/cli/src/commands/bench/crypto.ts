import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { version } from '../../version.ts'
import {
  commandLine,
  deliver,
  objectivesOf,
  wholeNumber,
  withReport,
  type ReportOptions,
} from './report-options.ts'

export function registerCrypto(bench: Command, context: CommandContext): void {
  withReport(
    bench
      .command('crypto')
      .description('time of each cryptographic operation: OpenSSL, noble and WebCrypto')
      .option('--ms <n>', 'how long each operation is timed, milliseconds', wholeNumber(10, 60_000), 500)
      .option('--only <text>', 'operations whose name contains this'),
  ).action(async (options: ReportOptions & { readonly ms: number; readonly only?: string }) => {
    const [{ cryptoBench }, { cryptoBenchCases }] = await Promise.all([
      import('@x0t/bench'),
      import('@x0t/keys'),
    ])
    const output = context.output()
    const { only } = options
    const cases = (await cryptoBenchCases()).filter(
      ({ primitive, backend }) =>
        only === undefined || `${primitive.replaceAll(' ', '-')}/${backend}`.includes(only),
    )
    const report = await cryptoBench({
      cases,
      timeMs: options.ms,
      objectives: await objectivesOf(options),
      command: commandLine(),
      versions: { x0t: version },
      signal: context.signal,
      onProgress: (text) => output.note(text),
    })
    await deliver(report, options, context)
  })
}
