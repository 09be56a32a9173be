import type { Client } from '@x0t/local-api'
import { systemClock } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { openStatusFeed } from './status-feed.ts'

/** Shows the live view until `q`, Ctrl-C or the end of the node; where there is no terminal, one frame. */
export async function watchStatus(daemon: Client, context: CommandContext): Promise<void> {
  const { streams, signal } = context
  await using feed = await openStatusFeed(daemon, { clock: systemClock, signal })
  const { renderStatusFrame, showStatusLive } = await import('../../views/status-live.ts')
  const output = context.output()
  if (output.interactive) await showStatusLive(feed, streams, signal)
  else output.result(feed.state(), (state) => renderStatusFrame(state, streams.stdout.columns ?? 100))
}
