import { Option, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { portsOf, runFolderOf } from '../testbed/bed-option.ts'
import { version } from '../../version.ts'
import {
  commandLine,
  deliver,
  objectivesOf,
  wholeNumber,
  withReport,
  type ReportOptions,
} from './report-options.ts'

interface RelayFlags extends ReportOptions {
  readonly runs: number
  readonly seconds: number
  readonly bytes: number
  readonly dir?: string
}

export function registerRelay(bench: Command, context: CommandContext): void {
  withReport(
    bench
      .command('relay')
      .description('packets a second and CPU at a relay: fast path, userspace, plain kernel routing')
      .option('--runs <n>', 'rounds; each measures every path once', wholeNumber(1, 1000), 3)
      .option('--seconds <n>', 'length of a trial of a rate', wholeNumber(1, 60), 2)
      .option('--bytes <n>', 'of each datagram', wholeNumber(64, 1400), 200)
      .addOption(new Option('--dir <folder>', 'folder of the records (default: /run/x0t-testbed for root)')),
  )
    .addHelpText(
      'after',
      '\nNeeds root and two processors. Names of results: pps/xdp, pps/userspace, pps/routing (packets/s), cpu/xdp (µs a\n' +
        'packet), load/xdp (% of a processor at 20,000 packets/s), and so on. An objective may name another result:\n' +
        'pps/xdp>=pps/userspace.',
    )
    .action(async (options: RelayFlags) => {
      const { relayBench } = await import('@x0t/bench')
      const { runs, seconds, bytes } = options
      const output = context.output()
      const report = await relayBench({
        ...portsOf(context),
        runs,
        seconds,
        datagramBytes: bytes,
        runFolder: await runFolderOf(options, context),
        objectives: await objectivesOf(options),
        command: commandLine(),
        versions: { x0t: version },
        onProgress: (text) => output.note(text),
      })
      await deliver(report, options, context)
    })
}
