import { availableParallelism } from 'node:os'
import { Option, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { version } from '../../version.ts'
import { portsOf, runFolderOf } from '../testbed/bed-option.ts'
import { nodeRunner } from '../testbed/node-runner.ts'
import {
  commandLine,
  deliver,
  objectivesOf,
  wholeNumber,
  withReport,
  type ReportOptions,
} from './report-options.ts'
import { repeatable } from '../repeatable.ts'

interface DaoFlags extends ReportOptions {
  readonly ballots: number
  readonly tie: number
  readonly signed?: number
  readonly imported: number
  readonly threads: number
  readonly rounds: number
  readonly seed: string
  readonly replication?: boolean
  readonly replicated: number
  readonly nodes: number
  readonly set?: readonly string[]
  readonly dir?: string
}

export function registerDao(bench: Command, context: CommandContext): void {
  withReport(
    bench
      .command('dao')
      .description('count and verify votes by the hundred thousand, and ties to the last digit')
      .option('--ballots <n>', 'that are counted', wholeNumber(2, 1_000_000), 100_000)
      .option('--tie <n>', 'distinct square roots of the ties, an even number', wholeNumber(2, 100_000), 4000)
      .option(
        '--signed <n>',
        'that are signed and verified (default: as many as are counted)',
        wholeNumber(0, 1_000_000),
      )
      .option(
        '--imported <n>',
        'members of the DAO whose bundle is imported; 0: none',
        wholeNumber(0, 100_000),
        10_000,
      )
      .option('--threads <n>', 'worker threads beside one core', wholeNumber(1, 256), availableParallelism())
      .option('--rounds <n>', 'measured rounds of each', wholeNumber(1, 1000), 5)
      .option('--replication', 'also real nodes: ballots to all after a partition heals; needs root')
      .option('--replicated <n>', 'ballots that are replicated', wholeNumber(2, 100_000), 1000)
      .option('--nodes <n>', 'nodes of the replication, an even number', wholeNumber(4, 64), 10)
      .option('--set <section.key=value>', 'any setting of the nodes; repeatable', repeatable)
      .addOption(new Option('--dir <folder>', 'folder of the records (default: /run/x0t-testbed for root)'))
      .option('--seed <text>', 'of the balances', '1'),
  )
    .addHelpText(
      'after',
      '\nKeys and signatures of 100,000 ballots take a minute or two of two processors, and half a gigabyte of the temporary\n' +
        'folder; --signed 10000 makes fewer. Names of results, with the number that was measured: tally/100000, tie/4000,\n' +
        'near-tie/4000, verify/100000, verify/100000/threads-2 (ms), verify-rate/100000 (records/s), rss/tally/100000 (MiB).\n' +
        "The project's own objectives: --objective 'tally/100000<=1000' --objective 'tie/4000<=1000'\n" +
        "--objective 'verify-rate/100000>=3000' --objective 'verify-rate/100000/threads-2>=verify-rate/100000'",
    )
    .action(async (options: DaoFlags) => {
      const { daoBench } = await import('@x0t/bench')
      const { ballots, tie, signed = ballots, imported, threads, rounds, seed } = options
      const output = context.output()
      const replication = {
        ...portsOf(context),
        ballots: options.replicated,
        nodes: options.nodes,
        rounds: 1,
        runner: nodeRunner(options.set ?? []),
      }
      const report = await daoBench({
        ballots,
        tie,
        signed,
        imported,
        threads,
        rounds,
        seed,
        objectives: await objectivesOf(options),
        command: commandLine(),
        versions: { x0t: version },
        signal: context.signal,
        ...(options.replication === true
          ? { replication: { ...replication, runFolder: await runFolderOf(options, context) } }
          : {}),
        onProgress: (text) => output.note(text),
      })
      await deliver(report, options, context)
    })
}
