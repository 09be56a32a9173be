import type { MeshRoute, NodeEvent, Peer, Status } from '@x0t/local-api'

/** What the live view shows. */
export interface LiveState {
  readonly status: Status | undefined
  readonly peers: readonly Peer[]
  readonly routes: readonly MeshRoute[]
  /** Newest last. */
  readonly events: readonly NodeEvent[]
  /** Bytes per second over all peers, a sample each second, newest last. */
  readonly sent: readonly number[]
  readonly received: readonly number[]
  readonly nowMs: number
  /** Why the last sample failed; undefined while all is well. */
  readonly problem: string | undefined
}

export interface Sample {
  readonly status: Status
  readonly peers: readonly Peer[]
  readonly routes: readonly MeshRoute[]
  readonly nowMs: number
}

const keptEvents = 50
const keptSamples = 120

export const startState: LiveState = {
  status: undefined,
  peers: [],
  routes: [],
  events: [],
  sent: [],
  received: [],
  nowMs: 0,
  problem: undefined,
}

/** The state after a sample: peers by name, one more point in each rate. */
export function sampleArrived(state: LiveState, sample: Sample): LiveState {
  const sum = (side: 'tx' | 'rx'): number =>
    sample.peers.reduce((total, peer) => total + peer[side].bytesPerSecond, 0)
  return {
    ...state,
    ...sample,
    peers: sample.peers.toSorted((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id)),
    routes: sample.routes.toSorted((a, b) => a.costUs - b.costUs),
    sent: [...state.sent, sum('tx')].slice(-keptSamples),
    received: [...state.received, sum('rx')].slice(-keptSamples),
    problem: undefined,
  }
}

/** The state after an event; debug events are left to the log. */
export function eventArrived(state: LiveState, event: NodeEvent): LiveState {
  if (event.level === 'debug') return state
  return { ...state, events: [...state.events, event].slice(-keptEvents) }
}

const bars = '▁▂▃▄▅▆▇█'

/** The last `width` values as bars of eight heights, scaled to the largest; a low line where all are 0. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const most = Math.max(...shown, 0)
  return shown
    .map((value) => bars[most === 0 ? 0 : Math.min(7, Math.round((value / most) * 7))])
    .join('')
    .padStart(Math.min(width, Math.max(shown.length, 1)), bars[0])
}
