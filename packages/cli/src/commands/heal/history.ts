import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { parseOption } from '../node/parse-option.ts'

interface HistoryOptions extends HomeOption {
  readonly since?: string
  readonly limit: string
}

export function registerHistory(heal: Command, context: CommandContext): void {
  withHome(
    heal
      .command('history')
      .description('list incidents: what, where, what was done, what came of it, and how long it took')
      .option('--since <duration>', 'only those of so long, like 2h or 7d')
      .option('--limit <count>', 'at most so many, the newest', '50'),
  ).action(async (options: HistoryOptions) => {
    const { parseDurationMs } = await import('@x0t/node/config')
    const agoMs =
      options.since === undefined ? undefined : parseOption('--since', options.since, parseDurationMs)
    const limit = Number(options.limit)
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
      throw new X0tError('USAGE', '--limit takes a whole number from 1 to 10000', { exitCode: 2 })
    const daemon = await openDaemon(options, context)
    const history = await daemon.healHistory(
      { limit, ...(agoMs === undefined ? {} : { sinceMs: Math.max(0, Date.now() - agoMs) }) },
      { signal: context.signal },
    )
    const { healHistoryView } = await import('../../views/heal.ts')
    context.output().result(history, healHistoryView)
  })
}
