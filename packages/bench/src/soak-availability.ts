import type { SampleBook } from './result.ts'

/** Fate of one probe: times of CLOCK_MONOTONIC in ms. */
export interface ProbeFate {
  readonly pair: number
  readonly sentMs: number
  readonly answered: boolean
}

/** Counts of probes: `asked` all, `answered` those answered in time. */
interface Tally {
  asked: number
  answered: number
}

/** Counts probes by what should have been possible when they were sent. */
export interface AvailabilityBook {
  /** From now on these pairs should be connected; `fault` is what the time counts for: `none` between faults. */
  enter(atMs: number, connected: readonly boolean[], fault: string): void
  add(fate: ProbeFate): void
  /** Adds `availability`, `availability-raw`, `availability/<fault>`, all in percent, and `probes`. */
  addTo(book: SampleBook): void
}

/** Probes from before the first `enter` are not counted. */
export function availabilityBook(): AvailabilityBook {
  const states: {
    readonly fromMs: number
    readonly connected: readonly boolean[]
    readonly fault: string
  }[] = []
  const due = emptyTally()
  const raw = emptyTally()
  const byFault = new Map<string, Tally>()
  return {
    enter(fromMs, connected, fault) {
      states.push({ fromMs, connected, fault })
    },
    add({ pair, sentMs, answered }) {
      const state = states.findLast(({ fromMs }) => fromMs <= sentMs)
      if (state === undefined) return
      count(raw, answered)
      if (!state.connected[pair]!) return
      count(due, answered)
      const tally = byFault.get(state.fault) ?? emptyTally()
      byFault.set(state.fault, tally)
      count(tally, answered)
    },
    addTo(book) {
      book.add('probes', 'count', due.asked)
      for (const [name, tally] of [
        ['availability', due],
        ['availability-raw', raw],
        ...[...byFault].map(([fault, tally]) => [`availability/${fault}`, tally] as const),
      ] as const)
        if (tally.asked > 0) book.add(name, '%', (100 * tally.answered) / tally.asked)
    },
  }
}

/** Pairs connected in both states: while a fault comes or goes nobody knows which of the two holds. */
export function inBoth(one: readonly boolean[], other: readonly boolean[]): readonly boolean[] {
  return one.map((connected, pair) => connected && other[pair]!)
}

const emptyTally = (): Tally => ({ asked: 0, answered: 0 })

function count(tally: Tally, answered: boolean): void {
  tally.asked++
  if (answered) tally.answered++
}
