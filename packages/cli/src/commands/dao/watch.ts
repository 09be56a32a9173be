import { once } from 'node:events'
import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { parseOption } from '../node/parse-option.ts'
import { openDao } from './open-dao.ts'
import { openWatchFeed } from './watch-feed.ts'

interface WatchOptions extends HomeOption {
  readonly for?: string
}

export function registerWatch(dao: Command, context: CommandContext): void {
  withHome(
    dao
      .command('watch')
      .description('watch proposals, counts and records live; with --json one document a line')
      .option('--for <duration>', 'end after so long'),
  ).action(async (options: WatchOptions) => {
    const { parseDurationMs } = await import('@x0t/node/config')
    const forMs = options.for === undefined ? undefined : parseOption('--for', options.for, parseDurationMs)
    await using opened = await openDao(options, context)
    await using feed = await openWatchFeed(opened, { wallMs: () => Date.now() })
    const signal =
      forMs === undefined ? context.signal : AbortSignal.any([context.signal, AbortSignal.timeout(forMs)])
    const output = context.output()
    if (output.interactive) {
      const { showDaoWatchLive } = await import('../../views/dao-watch-live.ts')
      await showDaoWatchLive(feed, context.streams, signal)
    } else {
      const { arrivedWords, proposalLine } = await import('../../views/dao-watch-lines.ts')
      feed.onProposal((proposal) => output.line({ event: 'proposal', ...proposal }, proposalLine))
      feed.onRecord((record) => output.line({ event: 'record', ...record }, arrivedWords))
      if (!signal.aborted) await once(signal, 'abort')
    }
    context.signal.throwIfAborted()
  })
}
