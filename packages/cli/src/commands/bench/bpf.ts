import { availableParallelism } from 'node:os'
import { Option, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { repeatable } from '../repeatable.ts'
import { portsOf, runFolderOf } from '../testbed/bed-option.ts'
import { nodeRunner } from '../testbed/node-runner.ts'
import { version } from '../../version.ts'
import {
  commandLine,
  deliver,
  objectivesOf,
  wholeNumber,
  withReport,
  type ReportOptions,
} from './report-options.ts'

interface BpfFlags extends ReportOptions {
  readonly runs: number
  readonly seconds: number
  readonly streams: number
  readonly each: boolean
  readonly offloads: boolean
  readonly through: 'link' | 'x0t'
  readonly set?: readonly string[]
  readonly dir?: string
}

export function registerBpf(bench: Command, context: CommandContext): void {
  withReport(
    bench
      .command('bpf')
      .description('what the programs that observe cost: throughput and CPU with and without them')
      .option('--runs <n>', 'rounds; each measures with and without', wholeNumber(1, 10_000), 60)
      .option('--seconds <n>', 'length of each window', wholeNumber(1, 3600), 1)
      .option(
        '--streams <n>',
        'TCP streams at once; as many as processors leave none of them idle',
        wholeNumber(1, 256),
        Math.min(availableParallelism(), 256),
      )
      .option('--each', 'also each program by itself, and programs that do nothing', false)
      .option('--no-offloads', 'packets of 1500 bytes on the link, as on a network card without TSO')
      .addOption(
        new Option('--through <path>', 'what carries the streams: the bare link, or the tunnel of x0t nodes')
          .choices(['link', 'x0t'])
          .default('link'),
      )
      .option(
        '--set <section.key=value>',
        'with --through x0t: any setting of the nodes; repeatable',
        repeatable,
      )
      .addOption(new Option('--dir <folder>', 'folder of the records (default: /run/x0t-testbed for root)')),
  )
    .addHelpText(
      'after',
      '\nNeeds root. Names of results: tcp/none, tcp/all (Mbit/s), cpu/none, cpu/all (s/GB), overhead-throughput/all,\n' +
        'overhead-cpu/all (%), runs/x0t_flow_in (1/s), run-time/x0t_flow_in (ns).',
    )
    .action(async (options: BpfFlags) => {
      const { bpfOverheadBench } = await import('@x0t/bench')
      const { runs, seconds, streams, each, offloads, through } = options
      const output = context.output()
      const report = await bpfOverheadBench({
        ...portsOf(context),
        runs,
        seconds,
        streams,
        each,
        offloads,
        ...(through === 'x0t' ? { x0tRunner: nodeRunner(options.set ?? []) } : {}),
        runFolder: await runFolderOf(options, context),
        objectives: await objectivesOf(options),
        command: commandLine(),
        versions: { x0t: version },
        onProgress: (text) => output.note(text),
      })
      for (const { path, reason } of report.skipped) output.warn(`${path} is left out: ${reason}`)
      await deliver(report, options, context)
    })
}
