/**
 * Share of datagrams lost on the way towards us, over a short sliding window, from hop counters. Buckets end at
 * probes, which say how many path-MTU probes went before them: those that do not arrive are no loss. A bucket counts
 * once the next one is over, so that what was overtaken on the way is not taken for lost.
 */
export interface LossWindow {
  /** A datagram with this hop counter came; not to be called for path-MTU probes. */
  received(counter: number): void
  /**
   * A probe came, after `received` was called for it; true if that closed a bucket.
   * @param consumed datagrams in all that the kernel took before they came here
   */
  probed(counter: number, mtuProbes: number, atMs: number, consumed?: number): boolean
  /** Over about 400 ms, and over so many more that 30 datagrams were due; undefined where that is not reached. */
  recent(): Loss | undefined
  /** Over about a second, under the same condition. */
  settled(): Loss | undefined
}

export interface Loss {
  readonly expected: number
  readonly lost: number
  readonly ratio: number
}

interface Bucket {
  /** Counters after this one, up to the next bucket, belong to it. */
  readonly firstCounter: number
  readonly firstMtuProbes: number
  readonly firstConsumed: number
  readonly startMs: number
  endMs: number
  expected: number
  received: number
}

const bucketMs = 50
const recentMs = 400
const settledMs = 1000
const leastDatagrams = 30
const maxBuckets = 64
/** Most path-MTU probes between two probes that are believed. */
const maxMtuProbes = 256

export function createLossWindow(): LossWindow {
  let open: Bucket | undefined
  let late: Bucket | undefined
  let closed: Bucket[] = []
  const begin = (counter: number, mtuProbes: number, atMs: number, consumed: number): Bucket => ({
    firstCounter: counter,
    firstMtuProbes: mtuProbes,
    firstConsumed: consumed,
    startMs: atMs,
    endMs: atMs,
    expected: 0,
    received: 0,
  })
  const over = (spanMs: number): Loss | undefined => {
    let [expected, received] = [0, 0]
    const endMs = closed.at(-1)?.endMs ?? 0
    for (let i = closed.length - 1; i >= 0; i--) {
      const bucket = closed[i]!
      expected += bucket.expected
      received += bucket.received
      if (endMs - bucket.startMs < spanMs || expected < leastDatagrams) continue
      const lost = Math.max(0, expected - received)
      return { expected, lost, ratio: lost / expected }
    }
    return undefined
  }
  return {
    received(counter) {
      if (open === undefined) return
      if (counter > open.firstCounter) open.received++
      else if (late !== undefined && counter > late.firstCounter) late.received++
    },
    probed(counter, mtuProbes, atMs, consumed = 0) {
      if (open === undefined) {
        open = begin(counter, mtuProbes, atMs, consumed)
        return false
      }
      // An overtaken probe ends nothing.
      if (counter <= open.firstCounter || atMs - open.startMs < bucketMs) return false
      const notCounted = (mtuProbes - open.firstMtuProbes) >>> 0
      const sent = counter - open.firstCounter
      open.expected = Math.max(0, sent - (notCounted <= maxMtuProbes ? notCounted : 0))
      // The kernel runs ahead of what waits to be read here; over several buckets that evens out.
      open.received += Math.max(0, consumed - open.firstConsumed)
      open.endMs = atMs
      if (late !== undefined) closed = [...closed.slice(1 - maxBuckets), late]
      late = open
      open = begin(counter, mtuProbes, atMs, consumed)
      return true
    },
    recent: () => over(recentMs),
    settled: () => over(settledMs),
  }
}
