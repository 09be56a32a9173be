import { Box, render, renderToString, Text, useApp, useInput, useStdin } from 'ink'
import { createElement as h, useSyncExternalStore, type ReactElement } from 'react'
import { logLine } from './log-line.ts'
import { sparkline, type LiveState } from './live-state.ts'
import { fastPathWord, kernelOf, safe } from './node.ts'
import { columns } from './table.ts'
import { bitRate, milliseconds, percent, shortDuration } from './units.ts'
import type { Streams } from '../output.ts'

/** A state that changes, as React reads it. */
export interface Feed {
  state(): LiveState
  subscribe(watch: () => void): () => void
}

/** Rows of routes and events that fit beside the rest on a terminal of this many lines. */
const defaultHeight = 30

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
    problem === undefined ? null : h(Text, { color: 'red', wrap: 'truncate-end' }, `! ${safe(problem)}`),
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
    h(Text, { dimColor: true }, `${new Date(nowMs).toISOString().slice(11, 19)} UTC   q quits`),
  )
}

function section(title: string, text: string): ReactElement {
  return h(
    Box,
    { flexDirection: 'column', marginTop: 1 },
    h(Text, { color: 'cyan' }, title),
    ...text.split('\n').map((line, index) => h(Text, { key: index, wrap: 'truncate-end' }, line)),
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

/** The frame of a feed, drawn again at each change; `q` ends it. */
export function StatusLive(props: {
  readonly feed: Feed
  readonly size: () => { readonly width: number; readonly height: number }
}): ReactElement {
  const { feed, size } = props
  const state = useSyncExternalStore(
    (watch) => feed.subscribe(watch),
    () => feed.state(),
  )
  const { isRawModeSupported } = useStdin()
  const { exit } = useApp()
  useInput((input) => void (input === 'q' && exit()), { isActive: isRawModeSupported })
  return h(StatusFrame, { state, ...size() })
}

/** The frame as text, for a pipe. */
export function renderStatusFrame(state: LiveState, width: number): string {
  return renderToString(h(StatusFrame, { state, width }), { columns: width })
}

/** Shows the view on the terminal's second screen until `q` or Ctrl-C. @throws the signal's reason */
export async function showStatusLive(feed: Feed, streams: Streams, signal: AbortSignal): Promise<void> {
  const stdout = streams.stdout as NodeJS.WriteStream
  const size = (): { width: number; height: number } => ({
    width: stdout.columns ?? 100,
    height: stdout.rows ?? defaultHeight,
  })
  const app = render(h(StatusLive, { feed, size }), {
    stdout,
    stdin: streams.stdin,
    alternateScreen: true,
    incrementalRendering: true,
    patchConsole: false,
  })
  const onAbort = (): void => app.unmount()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await app.waitUntilExit()
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
