import { InvalidArgumentError, type Command } from 'commander'
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

interface ThroughputFlags extends ReportOptions {
  readonly against: readonly string[]
  readonly hops: number
  readonly loss: number
  readonly runs: number
  readonly seconds: number
  readonly datagrams: boolean
  readonly offloads: boolean
  readonly x0t: boolean
  readonly set?: readonly string[]
  readonly dir?: string
}

export function registerThroughput(bench: Command, context: CommandContext): void {
  withReport(
    bench
      .command('throughput')
      .description(
        'Mbit/s, round trips, CPU time, memory and small packets through x0t, the bare link and peers',
      )
      .option(
        '--against <names>',
        'peers, separated by commas: wireguard-go,tinc,yggdrasil,nebula,fastd,openvpn',
        (text: string) => text.split(',').filter((name) => name !== ''),
        [],
      )
      .option('--hops <n>', 'hosts between the two ends', wholeNumber(0, 8), 0)
      .option('--loss <percent>', 'every link loses this share of packets in each direction', percentOf, 0)
      .option('--runs <n>', 'rounds; each measures every path once', wholeNumber(1, 1000), 3)
      .option('--seconds <n>', 'length of each TCP run', wholeNumber(1, 3600), 5)
      .option('--no-datagrams', 'leave out the search for the highest rate of small datagrams')
      .option('--no-offloads', 'packets of 1500 bytes on the links, as on a network card without TSO')
      .option('--no-x0t', 'only the bare link and the peers')
      .option('--set <section.key=value>', 'any setting of the x0t nodes; repeatable', repeatable)
      .option('--dir <folder>', 'folder of the records while it runs (default: /run/x0t-testbed for root)'),
  )
    .addHelpText(
      'after',
      '\nNeeds root. Names of results: tcp/x0t, rtt-idle/x0t, rtt-loaded/x0t, cpu/x0t, rss/x0t, pps/x0t, and the same\n' +
        'for veth and each peer. An objective may name another result: tcp/x0t>=tcp/yggdrasil.',
    )
    .action(async (options: ThroughputFlags) => {
      const { throughputBench } = await import('@x0t/bench')
      const { against, hops, loss, runs, seconds, datagrams, offloads } = options
      const output = context.output()
      const report = await throughputBench({
        ...portsOf(context),
        against,
        runs,
        seconds,
        datagrams,
        offloads,
        relays: hops,
        lossRatio: loss / 100,
        runFolder: await runFolderOf(options, context),
        objectives: await objectivesOf(options),
        command: commandLine(),
        versions: { x0t: version },
        onProgress: (text) => output.note(text),
        ...(options.x0t ? { x0tRunner: nodeRunner(options.set ?? []) } : {}),
      })
      for (const { path, reason, install } of report.skipped)
        output.warn(`${path} is left out: ${reason}${install === undefined ? '' : `; ${install}`}`)
      await deliver(report, options, context)
    })
}

function percentOf(text: string): number {
  const value = /^\d{1,2}(\.\d{1,4})?%?$/.test(text) ? Number.parseFloat(text) : NaN
  if (value <= 90) return value
  throw new InvalidArgumentError('expected a percentage from 0 to 90')
}
