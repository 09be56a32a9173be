import { once } from 'node:events'
import type { Command } from 'commander'
import { systemClock } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { parseOption } from '../node/parse-option.ts'
import { openKernel, withKernel, type KernelOptions } from './kernel.ts'
import { openWatchFeed } from './watch-feed.ts'

interface WatchOptions extends KernelOptions {
  readonly interval: string
  readonly for?: string
  readonly eventType?: string
}

export function registerWatch(bpf: Command, context: CommandContext): void {
  withKernel(
    bpf
      .command('watch')
      .description('watch events and counters of a loaded object live; with --json one document a line')
      .argument('<object>', 'as x0t bpf list names it')
      .option('--interval <duration>', 'between two looks at the counters', '1s')
      .option('--for <duration>', 'end after so long')
      .option('--event-type <struct>', 'the struct that events are, where x0t does not know it'),
  ).action(async (object: string, options: WatchOptions) => {
    const kernel = await openKernel(options, context)
    const { parseDurationMs } = await import('@x0t/node/config')
    const intervalMs = parseOption('--interval', options.interval, parseDurationMs)
    const forMs = options.for === undefined ? undefined : parseOption('--for', options.for, parseDurationMs)
    await using feed = await openWatchFeed(kernel, {
      object,
      intervalMs,
      eventType: options.eventType,
      wallMs: () => systemClock.wallMs(),
      signal: context.signal,
    })
    const signal =
      forMs === undefined ? context.signal : AbortSignal.any([context.signal, AbortSignal.timeout(forMs)])
    const output = context.output()
    if (output.interactive) {
      const { showWatchLive } = await import('../../views/bpf-live.ts')
      await showWatchLive(feed, context.streams, signal)
    } else {
      const { watchCounters, watchEvent } = await import('../../views/bpf.ts')
      feed.onEvent((event) => output.line({ kind: 'event', ...event }, watchEvent))
      feed.onCounters((programs) =>
        output.line({ kind: 'counters', atMs: systemClock.wallMs(), programs }, (value) =>
          watchCounters(value.programs),
        ),
      )
      if (!signal.aborted) await once(signal, 'abort')
    }
    context.signal.throwIfAborted()
  })
}
