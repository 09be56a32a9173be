import type { MttrFault } from './fault-names.ts'
import type { ToldEvent } from './system.ts'

/**
 * How a run ended. `recovered` and `undisturbed` give samples; the others are listed with their reason and never
 * dropped. `undisturbed`: the fault was there and on the path in use, as an independent probe saw, and nothing was
 * lost, as can be of hitless mode and of a fault that need not harm packets: an outage of 0. `no-outage`: nothing was lost although the fault should disturb, an error. `invalid`: the ruler was bent
 * (the sender or the receiver stalled), or the stream had left the path before the fault took effect; such a run is
 * repeated once. `not-recovered`: the stream did not come back in time. `failed`: the run
 * could not be carried out.
 */
export type RunOutcome = 'recovered' | 'undisturbed' | 'no-outage' | 'not-recovered' | 'invalid' | 'failed'

/** Consecutive sequence numbers that never arrived. */
export interface StreamGap {
  /** When the first of them was sent, ms from the injection (negative: before it). */
  readonly fromMs: number
  readonly packets: number
  /** `packets` times the interval of the stream. */
  readonly ms: number
}

/** A span of the stream in which datagrams were late, doubled or out of order. */
export interface StreamOddity {
  /** When the datagram was sent, ms from the injection. */
  readonly atMs: number
  readonly kind: 'duplicate' | 'reordered'
}

/** Delays of the stream over one slice of its time. */
export interface DelaySlice {
  /** Beginning of the slice, ms from the injection, by the time of sending. */
  readonly fromMs: number
  readonly packets: number
  readonly received: number
  /** Longest one-way delay in it, ms; null where nothing arrived. */
  readonly longestMs: number | null
}

/**
 * One run: a fault on a system, and what became of the stream. Times are ms from the injection; of a partition and of
 * certificates that end, from the lifting.
 */
export interface RunRecord {
  readonly system: string
  readonly fault: MttrFault
  /** From 1. */
  readonly run: number
  readonly outcome: RunOutcome
  /** Why, where the outcome is not `recovered` or `undisturbed`. */
  readonly reason?: string
  /** What the fault hit, like `link:a-d` or `node:a`; empty where it came not so far. */
  readonly target: string
  /** The action on it as the testbed knows it, like `loss=20%`. */
  readonly action: string
  /** Length of the interval in which the kernel carried the injection out, ms: times from it are that uncertain. */
  readonly injectionWindowMs: number
  /** When the fault was lifted. */
  readonly liftedMs?: number
  /** Planned time between two datagrams, ms. */
  readonly intervalMs: number
  readonly sent: number
  /** Different sequence numbers that arrived. */
  readonly received: number
  readonly lost: number
  readonly duplicated: number
  /** Datagrams that arrived after one with a higher number. */
  readonly reordered: number
  /** Longest run of missing numbers × interval, from the injection on; 0 if none is missing. */
  readonly outageMs: number
  /** When the system itself noticed; absent where it cannot tell. */
  readonly detectMs?: number
  /** When the first datagram arrived again after the first loss: over another path, where the fault lets none pass. */
  readonly rerouteMs?: number
  /** From when on, until the fault was lifted, nothing was lost; of a fault that delays also when delays are as before. */
  readonly recoveryMs?: number
  /** Longest time between two arrivals at the receiver. */
  readonly worstArrivalGapMs: number
  /** Longest time between two datagrams of the sender, planned interval included: the precision of the ruler. */
  readonly worstSendGapMs: number
  /** When the system's own sensor was quiet again; absent where it cannot tell. */
  readonly verifiedMs?: number
  /** What the lifting of the fault cost: the way back is a change of path too. */
  readonly lostAfterLifting?: number
  readonly outageAfterLiftingMs?: number
  /** One-way delay before the injection, ms. */
  readonly baseline: { readonly medianMs: number | null; readonly p99Ms: number | null }
  /** Hosts from source to destination, by the interface counters; several where the stream takes several ways. */
  readonly pathsBefore: readonly (readonly string[])[]
  /** While the fault lasts, after the recovery; none where the counters show none. */
  readonly pathsAfter: readonly (readonly string[])[]
  /** What the independent probe saw of the fault. */
  readonly evidence: string
  /** What the hosts of the system told, times as all others; at most the first 200. */
  readonly told?: readonly ToldEvent[]
  readonly gaps: readonly StreamGap[]
  /** At most the first thousand. */
  readonly oddities: readonly StreamOddity[]
  /** Slices of 10 ms around the fault, of 100 ms further away. */
  readonly slices: readonly DelaySlice[]
}
