import { InvalidArgumentError, Option, type Command } from 'commander'
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
import { addLivenessOptions, livenessOf, type LivenessFlags } from './liveness-options.ts'
import { repeatable } from '../repeatable.ts'

interface CalmFlags extends ReportOptions, LivenessFlags {
  readonly minutes: number
  readonly load: number
  readonly shape: string
  readonly rate?: number
  readonly against: readonly string[]
  readonly x0t: boolean
  readonly scheduling: 'round-robin' | 'ordinary'
  readonly set?: readonly string[]
  readonly dir?: string
}

export function registerCalm(bench: Command, context: CommandContext): void {
  withReport(
    addLivenessOptions(bench.command('calm'))
      .description('leave a mesh alone on a busy machine: failovers that nothing called for')
      .option('--minutes <n>', 'how long, like 0.5', minutesOf, 10)
      .option('--load <n>', 'processor hogs beside it (stress-ng --cpu N); 0: none', wholeNumber(0, 1024), 2)
      .option('--shape <shape>', 'diamond, ring:N or grid:WxH', 'diamond')
      .option('--rate <hz>', 'datagrams a second of the stream (default: 1000)', wholeNumber(10, 5000))
      .option(
        '--against <names>',
        'peers, as of x0t bench mttr, like bird@1ms',
        (text: string) => text.split(',').filter((name) => name !== ''),
        [],
      )
      .option('--no-x0t', 'only the peers')
      .addOption(
        new Option('--scheduling <class>', 'of the daemons of all systems alike; round-robin is in real time')
          .choices(['round-robin', 'ordinary'])
          .default('ordinary'),
      )
      .option('--set <section.key=value>', 'any setting of the nodes; repeatable', repeatable)
      .addOption(new Option('--dir <folder>', 'folder of the records (default: /run/x0t-testbed for root)')),
  ).action(async (options: CalmFlags) => {
    const [{ calmBench, choosePeerSystem, x0tSystem }, { parseShape }] = await Promise.all([
      import('@x0t/bench'),
      import('@x0t/testbed'),
    ])
    const output = context.output()
    const { kernel, cables } = livenessOf(options)
    const runner = nodeRunner(options.set ?? [])
    const report = await calmBench({
      ...portsOf(context),
      systems: [
        ...(options.x0t ? [x0tSystem({ runner, ...(kernel === undefined ? {} : { kernel }) })] : []),
        ...[...new Set(options.against)].map(choosePeerSystem),
      ],
      scheduling: options.scheduling,
      topology: parseShape(options.shape),
      shape: options.shape,
      durationMs: options.minutes * 60_000,
      hogs: options.load,
      rateHz: options.rate ?? 1000,
      cables,
      runFolder: await runFolderOf(options, context),
      objectives: await objectivesOf(options),
      command: commandLine(),
      versions: { x0t: version },
      onProgress: (text) => output.note(text),
    })
    await deliver(report, options, context)
  })
}

function minutesOf(text: string): number {
  const value = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN
  if (value >= 0.05 && value <= 1440) return value
  throw new InvalidArgumentError('expected minutes, 0.05 to 1440')
}
