import { Option, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { portsOf, runFolderOf } from '../testbed/bed-option.ts'
import { nodeRunner } from '../testbed/node-runner.ts'
import { version } from '../../version.ts'
import { addLivenessOptions, livenessOf, type LivenessFlags } from './liveness-options.ts'
import {
  commandLine,
  deliver,
  objectivesOf,
  wholeNumber,
  withReport,
  type ReportOptions,
} from './report-options.ts'
import { repeatable } from '../repeatable.ts'

interface TakeoverFlags extends ReportOptions, LivenessFlags {
  readonly runs: number
  readonly packets: number
  readonly rate: number
  readonly control: boolean
  readonly set?: readonly string[]
  readonly dir?: string
}

export function registerTakeover(bench: Command, context: CommandContext): void {
  withReport(
    addLivenessOptions(bench.command('takeover'))
      .description('kill the daemon of the only relay under a stream; its supervisor starts it again')
      .option('--runs <n>', 'kills of each system', wholeNumber(1, 1000), 5)
      .option('--packets <n>', 'numbered datagrams of a run', wholeNumber(100, 1_000_000), 10_000)
      .option('--rate <hz>', 'datagrams a second', wholeNumber(10, 10_000), 1000)
      .option('--no-control', 'with --liveness kernel: do not measure x0t without it beside')
      .option('--set <section.key=value>', 'any setting of the nodes; repeatable', repeatable)
      .addOption(new Option('--dir <folder>', 'folder of the records (default: /run/x0t-testbed for root)')),
  )
    .addHelpText(
      'after',
      '\nNeeds root. Names of results: lost/x0t (packets), outage/x0t, restart/x0t (ms), and the same for x0t-userspace,\n' +
        'which is x0t without help of the kernel.',
    )
    .action(async (options: TakeoverFlags) => {
      const { takeoverBench, x0tSystem } = await import('@x0t/bench')
      const output = context.output()
      const { kernel, cables } = livenessOf(options)
      const runner = nodeRunner(options.set ?? [])
      const systems =
        kernel === undefined
          ? [x0tSystem({ runner })]
          : [
              x0tSystem({ runner, kernel }),
              ...(options.control ? [x0tSystem({ runner, name: 'x0t-userspace' })] : []),
            ]
      const report = await takeoverBench({
        ...portsOf(context),
        systems,
        cables,
        runs: options.runs,
        packets: options.packets,
        rateHz: options.rate,
        runFolder: await runFolderOf(options, context),
        objectives: await objectivesOf(options),
        command: commandLine(),
        versions: { x0t: version },
        onProgress: (text) => output.note(text),
      })
      await deliver(report, options, context)
    })
}
