import { InvalidArgumentError, Option, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
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
import { repeatable } from '../repeatable.ts'

interface SoakFlags extends ReportOptions {
  readonly shape: string
  readonly hours: number
  readonly pause: number
  readonly seed: number
  readonly set?: readonly string[]
  readonly dir?: string
}

export function registerSoak(bench: Command, context: CommandContext): void {
  withReport(
    bench
      .command('soak')
      .description('run a mesh under random faults: recovery, reachability, memory growth, crashes')
      .option('--shape <shape>', 'pair, line:N, diamond, ring:N or grid:WxH', 'ring:10')
      .option('--hours <n>', 'how long, like 0.5', hoursOf, 1)
      .option('--pause <seconds>', 'time without a fault after each recovery', wholeNumber(0, 3600), 0)
      .option('--seed <n>', 'the same seed gives the same faults', wholeNumber(0, 999_999_999), 1)
      .option('--set <section.key=value>', 'any setting of the nodes; repeatable', repeatable)
      .addOption(new Option('--dir <folder>', 'folder of the records (default: /run/x0t-testbed for root)')),
  ).action(async (options: SoakFlags) => {
    const [{ soakBench }, { parseShape }] = await Promise.all([import('@x0t/bench'), import('@x0t/testbed')])
    const output = context.output()
    const report = await soakBench({
      ...portsOf(context),
      topology: parseShape(options.shape),
      shape: options.shape,
      runner: nodeRunner(options.set ?? []),
      runFolder: await runFolderOf(options, context),
      durationMs: options.hours * 3_600_000,
      pauseMs: options.pause * 1000,
      seed: options.seed,
      objectives: await objectivesOf(options),
      command: commandLine(),
      versions: { x0t: version },
      onProgress: (text) => output.note(text),
    })
    await deliver(report, options, context)
  })
}

function hoursOf(text: string): number {
  const value = /^\d{1,3}(\.\d{1,4})?$/.test(text) ? Number(text) : NaN
  if (value > 0 && value <= 168) return value
  throw new InvalidArgumentError('expected hours, more than 0 and up to 168')
}
