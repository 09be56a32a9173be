import { Box, render, renderToString, Text, useApp, useInput, useStdin } from 'ink'
import { createElement as h, useSyncExternalStore, type ReactElement } from 'react'
import { watchCounters, watchEvent } from './bpf.ts'
import type { WatchState } from './bpf-watch-state.ts'
import { sparkline } from './live-state.ts'
import type { Streams } from '../output.ts'

/** A state that changes, as React reads it. */
export interface WatchSource {
  state(): WatchState
  subscribe(watch: () => void): () => void
}

const defaultHeight = 30

/** One frame: how often the programs ran, and the newest events. */
export function WatchFrame(props: {
  readonly state: WatchState
  readonly width: number
  readonly height?: number
}): ReactElement {
  const { state, width } = props
  const room = Math.max(3, (props.height ?? defaultHeight) - state.counters.length - 8)
  const graph = Math.max(10, Math.min(60, width - 40))
  const section = (title: string, text: string): ReactElement =>
    h(
      Box,
      { flexDirection: 'column', marginTop: 1 },
      h(Text, { color: 'cyan' }, title),
      ...text.split('\n').map((line, index) => h(Text, { key: index, wrap: 'truncate-end' }, line)),
    )
  return h(
    Box,
    { flexDirection: 'column', width },
    h(Text, { bold: true }, `${state.object}  ${state.eventCount} events`),
    state.problem === undefined
      ? null
      : h(Text, { color: 'red', wrap: 'truncate-end' }, `! ${state.problem}`),
    h(
      Text,
      { wrap: 'truncate-end' },
      `runs/s ${String(Math.round(state.rates.at(-1) ?? 0)).padStart(12)}  ${sparkline(state.rates, graph)}`,
    ),
    section('PROGRAMS', state.counters.length === 0 ? 'counting …' : watchCounters(state.counters)),
    section('EVENTS', state.events.slice(-room).map(watchEvent).join('\n') || 'none yet'),
    h(Text, { dimColor: true }, `${new Date(state.nowMs).toISOString().slice(11, 19)} UTC   q quits`),
  )
}

/** The frame of a source, drawn again at each change; `q` ends it. */
export function WatchLive(props: {
  readonly source: WatchSource
  readonly size: () => { readonly width: number; readonly height: number }
}): ReactElement {
  const { source, size } = props
  const state = useSyncExternalStore(
    (watch) => source.subscribe(watch),
    () => source.state(),
  )
  const { isRawModeSupported } = useStdin()
  const { exit } = useApp()
  useInput((input) => void (input === 'q' && exit()), { isActive: isRawModeSupported })
  return h(WatchFrame, { state, ...size() })
}

/** The frame as text. */
export function renderWatchFrame(state: WatchState, width: number): string {
  return renderToString(h(WatchFrame, { state, width }), { columns: width })
}

/** Shows the view on the terminal's second screen until `q`, Ctrl-C or `signal`. */
export async function showWatchLive(
  source: WatchSource,
  streams: Streams,
  signal: AbortSignal,
): Promise<void> {
  const stdout = streams.stdout as NodeJS.WriteStream
  const app = render(
    h(WatchLive, {
      source,
      size: () => ({ width: stdout.columns ?? 100, height: stdout.rows ?? defaultHeight }),
    }),
    {
      stdout,
      stdin: streams.stdin,
      alternateScreen: true,
      incrementalRendering: true,
      patchConsole: false,
    },
  )
  const onAbort = (): void => app.unmount()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await app.waitUntilExit()
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
