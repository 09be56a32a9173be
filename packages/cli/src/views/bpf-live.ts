import { Box, renderToString, Text } from 'ink'
import { createElement as h, type ReactElement } from 'react'
import { watchCounters, watchEvent } from './bpf.ts'
import type { WatchState } from './bpf-watch-state.ts'
import {
  defaultHeight,
  footer,
  problemLine,
  section,
  showLive,
  useKeys,
  useLiveState,
  type LiveProps,
  type LiveSource,
} from './live-screen.ts'
import { sparkline } from './live-state.ts'
import type { Streams } from '../output.ts'

/** One frame: how often the programs ran, and the newest events. */
export function WatchFrame(props: {
  readonly state: WatchState
  readonly width: number
  readonly height?: number
}): ReactElement {
  const { state, width } = props
  const room = Math.max(3, (props.height ?? defaultHeight) - state.counters.length - 8)
  const graph = Math.max(10, Math.min(60, width - 40))
  return h(
    Box,
    { flexDirection: 'column', width },
    h(Text, { bold: true }, `${state.object}  ${state.eventCount} events`),
    problemLine(state.problem),
    h(
      Text,
      { wrap: 'truncate-end' },
      `runs/s ${String(Math.round(state.rates.at(-1) ?? 0)).padStart(12)}  ${sparkline(state.rates, graph)}`,
    ),
    section('PROGRAMS', state.counters.length === 0 ? 'counting …' : watchCounters(state.counters)),
    section('EVENTS', state.events.slice(-room).map(watchEvent).join('\n') || 'none yet'),
    footer(state.nowMs),
  )
}

/** The frame of a source, drawn again at each change; `q` ends it. */
export function WatchLive({ source, size }: LiveProps<WatchState>): ReactElement {
  const state = useLiveState(source)
  useKeys()
  return h(WatchFrame, { state, ...size() })
}

/** The frame as text. */
export function renderWatchFrame(state: WatchState, width: number): string {
  return renderToString(h(WatchFrame, { state, width }), { columns: width })
}

/** Shows the view on the terminal's second screen until `q`, Ctrl-C or `signal`. */
export async function showWatchLive(
  source: LiveSource<WatchState>,
  streams: Streams,
  signal: AbortSignal,
): Promise<void> {
  await showLive(WatchLive, source, streams, signal)
}
