import { InvalidArgumentError, type Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { version } from '../../version.ts'
import { commandLine, deliver, objectivesOf, wholeNumber, type ReportOptions } from './report-options.ts'
import { resultName, targetOf, withTarget, type TargetFlags } from './target-options.ts'

/** Options of `x0t bench mttr --url`. */
export interface UrlFlags extends ReportOptions, TargetFlags {
  readonly inject?: string
  readonly restore?: string
  readonly faultName: string
  readonly iterations: number
  readonly rate?: number
  readonly stable: number
  readonly downWithin: number
  readonly backWithin: number
}

/** Adds what `--url` needs, to the command that also measures the overlay. */
export function addUrlOptions(command: Command): Command {
  return withTarget(
    command
      .option('--url <url>', 'measure this HTTP service in place of the overlay')
      .option('--inject <command>', 'with --url: shell command that disturbs the service')
      .option('--restore <command>', 'with --url: undoes it; run after every injection, also after Ctrl-C')
      .option(
        '--fault-name <name>',
        'with --url: what is injected, in the results, like crash',
        resultName,
        'injected',
      )
      .option('--iterations <n>', 'with --url: injections', wholeNumber(1, 1000), 10)
      .option(
        '--rate <n>',
        'datagrams a second (default: 1000, or 10000 with --liveness kernel); with --url, probes a second (default: 50)',
        wholeNumber(1, 10_000),
      )
      .option('--stable <s>', 'with --url: back means no failure for so long', seconds, 10)
      .option('--down-within <s>', 'with --url: a probe must fail so soon after the command', seconds, 10)
      .option('--back-within <s>', 'with --url: the service must be back so soon', seconds, 60),
  )
}

/** Measures an HTTP service; `url` was given. */
export async function runUrl(url: string, flags: UrlFlags, context: CommandContext): Promise<void> {
  const { inject, restore, expectStatus } = flags
  if (inject === undefined) {
    throw new X0tError('USAGE', '--url needs --inject, the command that disturbs the service', {
      exitCode: 2,
      hint: "x0t bench mttr --url http://127.0.0.1:8080/ --inject 'kill -9 $(cat server.pid)'",
    })
  }
  const { measureHttpService } = await import('@x0t/bench')
  const output = context.output()
  const report = await measureHttpService({
    target: await targetOf(url, flags, context),
    inject,
    ...(restore === undefined ? {} : { restore }),
    iterations: flags.iterations,
    label: flags.name,
    fault: flags.faultName,
    ratePerSecond: flags.rate ?? 50,
    timeoutMs: flags.timeout,
    newConnections: flags.newConnections,
    ...(expectStatus === undefined ? {} : { expectStatus }),
    stableMs: flags.stable * 1000,
    healthyWithinMs: 60_000,
    downWithinMs: flags.downWithin * 1000,
    backWithinMs: flags.backWithin * 1000,
    commandTimeoutMs: 300_000,
    longestStallMs: 100,
    objectives: await objectivesOf(flags),
    command: commandLine(),
    versions: { x0t: version },
    env: context.streams.env,
    signal: context.signal,
    onProgress: (text) => output.note(text),
  })
  await deliver(report, flags, context)
}

function seconds(text: string): number {
  const value = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN
  if (value > 0 && value <= 3600) return value
  throw new InvalidArgumentError('expected seconds, more than 0 and up to 3600')
}
