import { InvalidArgumentError, type Command } from 'commander'
import type { HttpTarget } from '@x0t/bench'
import type { CommandContext } from '../../main.ts'
import { wholeNumber } from './report-options.ts'

/** What every measurement of an HTTP service takes. */
export interface TargetFlags {
  readonly url?: string
  readonly name: string
  readonly timeout: number
  readonly newConnections: boolean
  readonly expectStatus?: number
  readonly allowRemote: boolean
}

export function withTarget(command: Command): Command {
  return command
    .option('--name <name>', 'name of the service in the results', resultName, 'service')
    .option('--timeout <ms>', 'a request that takes longer has failed', wholeNumber(1, 600_000), 1000)
    .option('--new-connections', 'connect anew for every request', false)
    .option('--expect-status <code>', 'the only good status (default: 200 to 399)', wholeNumber(100, 599))
    .option('--allow-remote', 'measure a host outside this machine and private networks, gently', false)
}

/** Reads the URL and tells where load goes to a host of someone else. */
export async function targetOf(
  url: string,
  flags: TargetFlags,
  context: CommandContext,
): Promise<HttpTarget> {
  const { parseTarget, remoteBounds } = await import('@x0t/bench')
  const target = await parseTarget(url, flags)
  if (target.remote) {
    const { ratePerSecond, seconds } = remoteBounds
    context
      .output()
      .warn(
        `${target.url.host} is not on this machine: at most ${ratePerSecond} requests/s, loads of ${seconds} s`,
      )
  }
  return target
}

/** A name that result names and objectives can hold. */
export function resultName(text: string): string {
  if (/^[a-z0-9][a-z0-9.-]{0,40}$/i.test(text)) return text
  throw new InvalidArgumentError('expected letters, digits, dots and hyphens')
}
