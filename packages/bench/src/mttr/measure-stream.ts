import { ascending, quantile } from '../statistics.ts'
import { sliceDelays } from './delay-slices.ts'
import type { RunRecord, StreamGap, StreamOddity } from './run-record.ts'
import type { StreamLog } from './stream/log.ts'

/** Instants of a run on CLOCK_MONOTONIC, ms. */
export interface RunMarks {
  /** The undisturbed part of the stream begins. */
  readonly baselineMs: number
  /** The injection was ordered, and was done at the latest. */
  readonly injectedMs: readonly [from: number, to: number]
  /** The fault was lifted; absent while it lasts. */
  readonly liftedMs?: number
  /** What was sent after this is not judged: it may still be under way. */
  readonly judgedUntilMs: number
  /** A stream is back only when it is also in time: of a fault that delays. */
  readonly judgesDelay?: boolean
  /** Times count from the lifting. */
  readonly countsFromLifting?: boolean
}

/** What the stream alone tells about a run. Times are ms from `zeroMs`. */
export interface StreamMeasure extends Pick<
  RunRecord,
  | 'sent'
  | 'received'
  | 'lost'
  | 'duplicated'
  | 'reordered'
  | 'outageMs'
  | 'rerouteMs'
  | 'recoveryMs'
  | 'worstArrivalGapMs'
  | 'worstSendGapMs'
  | 'gaps'
  | 'oddities'
  | 'slices'
> {
  /** CLOCK_MONOTONIC from which times count, ms. */
  readonly zeroMs: number
  /** Datagrams later than those before the injection, by more than {@link lateByMs}. */
  readonly late: number
  readonly baseline: { readonly medianMs: number; readonly p99Ms: number }
  /** Why the ruler was bent; undefined if it was not. */
  readonly bent?: string
}

/** A stream is back when for this long nothing is lost and, of a fault that delays, almost nothing is late. */
export const quietMs = 1000
/** Late is what takes longer than the 99th percentile of the undisturbed stream by more than this. */
export const lateByMs = 10
/**
 * What takes longer than this is lost: a process that was frozen may hold what it had received, and pass it on when the
 * fault is lifted.
 */
export const overdueMs = 1000
/** Share of late datagrams that a quiet second may hold: one cannot demand of a shared machine that it never stalls. */
const lateShare = 0.01
/** A program of a slow stream that stalled longer than this at either end of the outage cannot tell how long it was. */
const mostStallMs = 5
/** Surroundings of an end of the outage in which a stall counts: so many times what is too long a stall. */
const nearStalls = 4

/**
 * The longest stall of sender or receiver at an end of an outage that leaves its length certain enough, ms: ten intervals,
 * 1 ms at least and 5 ms at most.
 */
export function mostStall(intervalMs: number): number {
  return Math.min(mostStallMs, Math.max(1, 10 * intervalMs))
}
const mostOddities = 1000

/** Measures outage, losses and recovery in the log of a stream. */
export function measureStream(log: StreamLog, marks: RunMarks): StreamMeasure {
  const { sentMs, intervalMs } = log
  const { arrivedMs, duplicates, reorderings } = firstArrivals(log)
  const [orderedMs, doneMs] = marks.injectedMs
  const isLost = (at: number): boolean => !Number.isNaN(sentMs[at]!) && Number.isNaN(arrivedMs[at]!)
  const from = firstAt(sentMs, marks.baselineMs)
  const until = firstAt(sentMs, marks.judgedUntilMs)
  const ordered = firstAt(sentMs, orderedMs)
  const baseline = baselineOf(sentMs, arrivedMs, from, ordered)
  const isLate = (at: number): boolean => arrivedMs[at]! - sentMs[at]! > baseline.p99Ms + lateByMs

  // The first datagram that the fault took tells when it came into effect, to one interval; the command only when
  // it was at work.
  let hit = ordered
  while (hit < until && !isLost(hit)) hit++
  const tookAtMs = hit < until ? sentMs[hit]! : Infinity
  const injectedMs = tookAtMs <= doneMs + 2 * intervalMs ? tookAtMs : orderedMs
  const zeroMs =
    marks.countsFromLifting === true && marks.liftedMs !== undefined ? marks.liftedMs : injectedMs
  const zero = firstAt(sentMs, zeroMs)
  const end =
    marks.countsFromLifting === true ? until : Math.min(until, firstAt(sentMs, marks.liftedMs ?? Infinity))

  const gaps: StreamGap[] = []
  let [sent, received, lost, late] = [0, 0, 0, 0]
  let longest: { readonly first: number; readonly next: number } | undefined
  let firstBack: number | undefined
  for (let at = zero; at < end; at++) {
    if (Number.isNaN(sentMs[at]!)) continue
    sent++
    if (!isLost(at)) {
      received++
      if (isLate(at)) late++
      continue
    }
    const first = at
    let next = at + 1
    // Numbers that the sender passed over do not end a gap: nothing shows that anything could pass then.
    while (next < until && (isLost(next) || Number.isNaN(sentMs[next]!))) next++
    const packets = countLost(first, Math.min(next, end))
    sent += packets - 1
    lost += packets
    if (next < until) firstBack ??= next
    gaps.push({ fromMs: sentMs[first]! - zeroMs, packets, ms: (next - first) * intervalMs })
    if (longest === undefined || next - first > longest.next - longest.first) longest = { first, next }
    at = Math.min(next, end) - 1
  }
  function countLost(first: number, next: number): number {
    let count = 0
    for (let at = first; at < next; at++) if (isLost(at)) count++
    return count
  }

  const back = recoveredAt()
  /** Where the calm begins that lasts until the end, if it is long enough: a stream that was lost again is not back. */
  function recoveredAt(): number | undefined {
    const window = Math.ceil(quietMs / intervalMs)
    let [begin, lateOnes] = [zero, 0]
    for (let at = zero; at < end; at++) {
      if (isLost(at)) {
        begin = at + 1
        lateOnes = 0
        continue
      }
      if (marks.judgesDelay !== true) continue
      if (isLate(at)) lateOnes++
      while (lateOnes > lateShare * Math.max(window, at - begin + 1)) if (isLate(begin++)) lateOnes--
    }
    if (end - begin < window) return undefined
    // Not before something arrived in time: late ones at the beginning of the calm are the fault's tail.
    const isTail = (at: number): boolean => marks.judgesDelay === true && isLate(at)
    while (begin < end && (Number.isNaN(arrivedMs[begin]!) || isTail(begin))) begin++
    return begin
  }

  const isHarmed = lost > 0 || (back !== undefined && back > zero)
  const inSpan = (at: number): boolean => at >= zero && at < end
  const oddities: StreamOddity[] = [
    ...duplicates.map((at) => ({ at, kind: 'duplicate' as const })),
    ...reorderings.map((at) => ({ at, kind: 'reordered' as const })),
  ]
    .filter(({ at }) => inSpan(at))
    .map(({ at, kind }) => ({ atMs: sentMs[at]! - zeroMs, kind }))
    .toSorted((a, b) => a.atMs - b.atMs)
  const bent = whyBent(log, longest, orderedMs)
  return {
    zeroMs,
    sent,
    received,
    lost,
    late,
    duplicated: oddities.filter(({ kind }) => kind === 'duplicate').length,
    reordered: oddities.filter(({ kind }) => kind === 'reordered').length,
    outageMs: longest === undefined ? 0 : (longest.next - longest.first) * intervalMs,
    ...(firstBack === undefined ? {} : { rerouteMs: arrivedMs[firstBack]! - zeroMs }),
    ...(back === undefined ? {} : { recoveryMs: isHarmed ? arrivedMs[back]! - zeroMs : 0 }),
    worstArrivalGapMs: worstArrivalGap(log, zeroMs, sentMs[end - 1] ?? zeroMs),
    worstSendGapMs: worstSendGap(sentMs, from, until).ms,
    baseline,
    gaps,
    oddities: oddities.slice(0, mostOddities),
    slices: sliceDelays(sentMs, arrivedMs, { from, until, zeroMs }),
    ...(bent === undefined ? {} : { bent }),
  }
}

interface FirstArrivals {
  /** By sequence number; NaN for what never arrived, or not within {@link overdueMs}. */
  readonly arrivedMs: Float64Array
  readonly duplicates: readonly number[]
  readonly reorderings: readonly number[]
}

/** When each number arrived first, and which came twice or after a higher one. */
export function firstArrivals({ sentMs, arrivals }: StreamLog): FirstArrivals {
  const arrivedMs = new Float64Array(sentMs.length).fill(NaN)
  const duplicates: number[] = []
  const reorderings: number[] = []
  let highest = -1
  for (const { sequence, atMs } of arrivals) {
    // The log of the sender may be some milliseconds behind that of the receiver while they run.
    if (sequence >= sentMs.length || atMs - sentMs[sequence]! > overdueMs) continue
    if (!Number.isNaN(arrivedMs[sequence]!)) {
      duplicates.push(sequence)
      continue
    }
    arrivedMs[sequence] = atMs
    if (sequence < highest) reorderings.push(sequence)
    highest = Math.max(highest, sequence)
  }
  return { arrivedMs, duplicates, reorderings }
}

/** First number sent at or after an instant; numbers passed over are skipped. */
export function firstAt(sentMs: Float64Array, atMs: number): number {
  let at = 0
  while (at < sentMs.length && !(sentMs[at]! >= atMs)) at++
  return at
}

function baselineOf(
  sentMs: Float64Array,
  arrivedMs: Float64Array,
  from: number,
  to: number,
): StreamMeasure['baseline'] {
  const delays: number[] = []
  for (let at = from; at < to; at++) {
    const delayMs = arrivedMs[at]! - sentMs[at]!
    if (!Number.isNaN(delayMs)) delays.push(delayMs)
  }
  if (delays.length === 0) return { medianMs: NaN, p99Ms: NaN }
  delays.sort(ascending)
  return { medianMs: quantile(delays, 0.5), p99Ms: quantile(delays, 0.99) }
}

/** The longest time between two datagrams that were sent. */
function worstSendGap(
  sentMs: Float64Array,
  from: number,
  until: number,
): { readonly ms: number; readonly fromMs: number } {
  let worst = { ms: 0, fromMs: 0 }
  let beforeMs = NaN
  for (let at = from; at < until; at++) {
    const nowMs = sentMs[at]!
    if (Number.isNaN(nowMs)) continue
    if (nowMs - beforeMs > worst.ms) worst = { ms: nowMs - beforeMs, fromMs: beforeMs }
    beforeMs = nowMs
  }
  return worst
}

function worstArrivalGap({ arrivals }: StreamLog, fromMs: number, toMs: number): number {
  let [worst, beforeMs] = [0, NaN]
  for (const { atMs } of arrivals) {
    if (beforeMs >= fromMs && beforeMs <= toMs) worst = Math.max(worst, atMs - beforeMs)
    // An outage begins with the last arrival before the fault.
    else if (beforeMs < fromMs && atMs >= fromMs) worst = Math.max(worst, atMs - beforeMs)
    beforeMs = atMs
  }
  return worst
}

/** A stall of sender or receiver at an end of the outage, or, without one, in the second after the injection. */
function whyBent(
  { sentMs, intervalMs, receiverStalls }: StreamLog,
  outage: { readonly first: number; readonly next: number } | undefined,
  orderedMs: number,
): string | undefined {
  const mostMs = mostStall(intervalMs)
  const nearMs = nearStalls * mostMs
  const near =
    outage === undefined
      ? [[orderedMs, orderedMs + 1000] as const]
      : [outage.first, outage.next].map((at) => {
          const atMs = sentMs[Math.min(at, sentMs.length - 1)]!
          return [atMs - nearMs, atMs + nearMs] as const
        })
  for (const [fromMs, toMs] of near) {
    const { ms } = worstSendGap(sentMs, Math.max(0, firstAt(sentMs, fromMs) - 1), firstAt(sentMs, toMs) + 1)
    if (ms - intervalMs > mostMs) return `the sender stalled for ${ms.toFixed(1)} ms at an end of the outage`
    const stall = receiverStalls.find(
      (one) => one.ms > mostMs && one.fromMs < toMs && one.fromMs + one.ms > fromMs,
    )
    if (stall !== undefined)
      return `the receiver stalled for ${stall.ms.toFixed(1)} ms at an end of the outage`
  }
  return undefined
}
