import type { JsonValue } from '@x0t/bpf'

/** An event of a ring buffer. */
export interface BpfEvent {
  readonly atMs: number
  readonly map: string
  readonly event: JsonValue
}

/** What a program did since the last look. */
export interface WatchCounter {
  readonly program: string
  readonly runs: number
  readonly runsPerSecond: number
  readonly nsPerRun: number | null
}

/** What the live view of an object shows. */
export interface WatchState {
  readonly object: string
  /** Newest last. */
  readonly events: readonly BpfEvent[]
  readonly eventCount: number
  readonly counters: readonly WatchCounter[]
  /** Runs per second of all programs, newest last. */
  readonly rates: readonly number[]
  readonly nowMs: number
  readonly problem: string | undefined
}

const keptEvents = 200
const keptRates = 120

export function watchStart(object: string): WatchState {
  return { object, events: [], eventCount: 0, counters: [], rates: [], nowMs: 0, problem: undefined }
}

export function eventSeen(state: WatchState, event: BpfEvent): WatchState {
  return {
    ...state,
    events: [...state.events, event].slice(-keptEvents),
    eventCount: state.eventCount + 1,
    nowMs: event.atMs,
  }
}

export function countersArrived(
  state: WatchState,
  counters: readonly WatchCounter[],
  nowMs: number,
): WatchState {
  const rate = counters.reduce((sum, { runsPerSecond }) => sum + runsPerSecond, 0)
  return { ...state, counters, rates: [...state.rates, rate].slice(-keptRates), nowMs, problem: undefined }
}
