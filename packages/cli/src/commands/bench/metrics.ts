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
import { targetOf, withTarget, type TargetFlags } from './target-options.ts'

interface MetricsFlags extends ReportOptions, TargetFlags {
  readonly url: string
  readonly rate: number
  readonly seconds: number
  readonly warmup: number
  readonly concurrencyLimit: number
}

export function registerMetrics(bench: Command, context: CommandContext): void {
  withReport(
    withTarget(
      bench
        .command('metrics')
        .description('latency, throughput and errors of an HTTP service under load at a fixed arrival rate')
        .requiredOption('--url <url>', 'what is asked, with GET')
        .option('--rate <n>', 'requests a second', wholeNumber(1, 50_000), 100)
        .option('--seconds <n>', 'how long', wholeNumber(1, 3600), 30)
        .option('--warmup <n>', 'seconds of load before it counts', wholeNumber(0, 600), 2)
        .option('--concurrency-limit <n>', 'most requests under way at once', wholeNumber(1, 10_000), 256),
    ),
  )
    .addHelpText(
      'after',
      '\nLatency counts from the time a request was due, not from when it could be sent: a service that stalls is\n' +
        'charged for all that arrived meanwhile. Exit code 1 if the generator could not keep up: the result is invalid.',
    )
    .action(async (flags: MetricsFlags) => {
      const { httpMetricsBench } = await import('@x0t/bench')
      const { expectStatus } = flags
      const target = await targetOf(flags.url, flags, context)
      context.output().note(`${flags.rate} requests/s for ${flags.warmup} + ${flags.seconds} s`)
      const report = await httpMetricsBench({
        target,
        label: flags.name,
        ratePerSecond: flags.rate,
        seconds: flags.seconds,
        warmupSeconds: flags.warmup,
        concurrencyLimit: flags.concurrencyLimit,
        timeoutMs: flags.timeout,
        newConnections: flags.newConnections,
        ...(expectStatus === undefined ? {} : { expectStatus }),
        objectives: await objectivesOf(flags),
        command: commandLine(),
        versions: { x0t: version },
        signal: context.signal,
      })
      await deliver(report, flags, context)
    })
}
