import { Box, renderToString, Text } from 'ink'
import { createElement as h, type ReactElement } from 'react'
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
import { logLine } from './log-line.ts'
import { sparkline, type LiveState } from './live-state.ts'
import { fastPathWord, kernelOf, safe } from './node.ts'
import { columns } from './table.ts'
import { bitRate, milliseconds, percent, shortDuration } from './units.ts'
import type { Streams } from '../output.ts'

/** One frame: node, rates, peers, routes, events. */
export function StatusFrame(props: {
  readonly state: LiveState
  readonly width: number
  readonly height?: number
}): ReactElement {
  const { state, width } = props
  const { status, peers, routes, events, nowMs, problem } = state
  if (status === undefined) return h(Text, null, 'asking the node …')
  const room = Math.max(3, Math.floor(((props.height ?? defaultHeight) - peers.length - 10) / 2))
  const graph = Math.max(10, Math.min(60, width - 40))
  return h(
    Box,
    { flexDirection: 'column', width },
    h(
      Text,
      { bold: true, wrap: 'truncate-end' },
      `${safe(status.name)}  ${status.address}  mesh ${safe(status.mesh)}  up ${shortDuration(status.uptimeMs)}${fastPathWord(status)}`,
    ),
    problemLine(problem),
    h(Text, { wrap: 'truncate-end' }, rate('sent', state.sent, graph)),
    h(Text, { wrap: 'truncate-end' }, rate('received', state.received, graph)),
    section('PEERS', peers.length === 0 ? 'no neighbours' : peerRows(state)),
    section(`ROUTES (${routes.length})`, routes.length === 0 ? 'none' : routeRows(state, room)),
    section(
      'EVENTS',
      events
        .slice(-room)
        .map(({ atMs, level, event, fields }) =>
          logLine({ ...fields, level, time: new Date(atMs).toISOString(), event }, false),
        )
        .join('\n') || 'none yet',
    ),
    footer(nowMs),
  )
}

function rate(name: string, values: readonly number[], width: number): string {
  return `${name.padEnd(9)} ${bitRate(values.at(-1) ?? 0).padStart(12)}  ${sparkline(values, width)}`
}

function peerRows({ peers, nowMs }: LiveState): string {
  return columns(
    ['NAME', 'NODE', 'CARRIER', 'RTT', 'KERNEL', 'LOSS', 'SENT', 'RECEIVED', 'SINCE'],
    peers.map((peer) => [
      safe(peer.name).slice(0, 24),
      peer.id.slice(0, 10),
      peer.carrier,
      milliseconds(peer.rttMs),
      kernelOf(peer),
      percent(peer.lossRatio),
      bitRate(peer.tx.bytesPerSecond),
      bitRate(peer.rx.bytesPerSecond),
      shortDuration(Math.max(0, nowMs - peer.connectedSinceMs)),
    ]),
  )
}

function routeRows({ routes, peers }: LiveState, room: number): string {
  const nameOf = (id: string): string => safe(peers.find((peer) => peer.id === id)?.name ?? id.slice(0, 10))
  return columns(
    ['TO', 'VIA', 'ALTERNATE', 'COST', 'HOPS'],
    routes
      .slice(0, room)
      .map((route) => [
        safe(route.name).slice(0, 24),
        nameOf(route.nextHop),
        route.alternate === null ? '-' : nameOf(route.alternate),
        milliseconds(route.costUs / 1000),
        String(route.hops),
      ]),
  )
}

/** The frame of a node, drawn again at each change; `q` ends it. */
export function StatusLive({ source, size }: LiveProps<LiveState>): ReactElement {
  const state = useLiveState(source)
  useKeys()
  return h(StatusFrame, { state, ...size() })
}

/** The frame as text, for a pipe. */
export function renderStatusFrame(state: LiveState, width: number): string {
  return renderToString(h(StatusFrame, { state, width }), { columns: width })
}

/** Shows the view on the terminal's second screen until `q` or Ctrl-C. @throws the signal's reason */
export async function showStatusLive(
  source: LiveSource<LiveState>,
  streams: Streams,
  signal: AbortSignal,
): Promise<void> {
  await showLive(StatusLive, source, streams, signal)
  signal.throwIfAborted()
}
