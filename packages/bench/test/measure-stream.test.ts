import t from 'tap'
import { measureStream, type RunMarks } from '../src/mttr/measure-stream.ts'
import type { Arrival, StreamLog } from '../src/mttr/stream/log.ts'

interface Made {
  /** Numbers that never arrive. */
  readonly lost?: (sequence: number) => boolean
  /** One-way delay, ms. */
  readonly delayMs?: (sequence: number) => number
  /** Numbers that the sender passed over. */
  readonly unsent?: (sequence: number) => boolean
  readonly twice?: readonly number[]
  readonly count?: number
  readonly receiverStalls?: StreamLog['receiverStalls']
}

/** A stream that sends number n at 10,000 + n ms; what is sent at n arrives 1 ms later. */
function made({
  lost = () => false,
  delayMs = () => 1,
  unsent = () => false,
  twice = [],
  count = 5000,
  receiverStalls = [],
}: Made): StreamLog {
  const sentMs = Float64Array.from({ length: count }, (_, at) => (unsent(at) ? NaN : 10_000 + at))
  const arrivals: Arrival[] = []
  for (let sequence = 0; sequence < count; sequence++) {
    if (lost(sequence) || unsent(sequence)) continue
    arrivals.push({ sequence, atMs: 10_000 + sequence + delayMs(sequence) })
    if (twice.includes(sequence)) arrivals.push({ sequence, atMs: 10_000 + sequence + delayMs(sequence) })
  }
  arrivals.sort((a, b) => a.atMs - b.atMs)
  return { intervalMs: 1, sentMs, arrivals, receiverStalls }
}

/** Ordered at number 1000, done at 1020, lifted at 4000. */
const marks: RunMarks = {
  baselineMs: 10_000,
  injectedMs: [11_000, 11_020],
  liftedMs: 14_000,
  judgedUntilMs: Infinity,
}

const between = (from: number, to: number) => (sequence: number) => sequence >= from && sequence < to

t.test(
  'an outage is the longest run of missing numbers times the interval, from the first that is lost',
  async (t) => {
    const lost = (at: number): boolean => between(1005, 1035)(at) || at === 1100
    const measure = measureStream(made({ lost }), marks)
    t.match(measure, { zeroMs: 11_005, outageMs: 30, lost: 31, sent: 2995, received: 2964, late: 0 })
    t.strictSame(measure.gaps, [
      { fromMs: 0, packets: 30, ms: 30 },
      { fromMs: 95, packets: 1, ms: 1 },
    ])
    // Number 1035 arrives at 11,036, which is 31 ms after 11,005; number 1101 at 11,102.
    t.match(measure, { rerouteMs: 31, recoveryMs: 97 })
    t.equal(measure.bent, undefined)
    // From the arrival of 1004 at 11,005 to that of 1035 at 11,036.
    t.equal(measure.worstArrivalGapMs, 31)
    t.strictSame(measure.baseline, { medianMs: 1, p99Ms: 1 })
  },
)

t.test('without a loss there is no outage, and the recovery took no time', async (t) => {
  const measure = measureStream(made({}), marks)
  t.match(measure, { zeroMs: 11_000, outageMs: 0, lost: 0, sent: 3000, recoveryMs: 0, gaps: [] })
  t.notOk('rerouteMs' in measure)
})

t.test('a stream that is lost again has not recovered before', async (t) => {
  const relapse = (at: number): boolean => between(1010, 1020)(at) || between(2500, 2700)(at)
  t.match(measureStream(made({ lost: relapse }), marks), {
    outageMs: 200,
    recoveryMs: 2701 - 1010,
    rerouteMs: 11,
  })
  const late = (at: number): boolean => between(1010, 1020)(at) || between(3500, 3510)(at)
  t.notOk(
    'recoveryMs' in measureStream(made({ lost: late }), marks),
    'half a second before the end is too short',
  )
})

t.test(
  'an outage that goes on when the fault is lifted is measured to its end, its packets only until then',
  async (t) => {
    const measure = measureStream(made({ lost: between(1010, 4200) }), marks)
    t.match(measure, { outageMs: 3190, lost: 2990, sent: 2990, received: 0 })
    t.notOk('recoveryMs' in measure)
  },
)

t.test('what was lost before the injection or after the lifting is no part of it', async (t) => {
  const lost = (at: number): boolean => at === 500 || at === 4100 || at === 1010
  t.match(measureStream(made({ lost }), marks), { lost: 1, outageMs: 1, zeroMs: 11_010 })
})

t.test('times count from the order where the first loss comes long after', async (t) => {
  t.match(measureStream(made({ lost: between(1500, 1510) }), marks), {
    zeroMs: 11_000,
    outageMs: 10,
    recoveryMs: 511,
  })
})

t.test('duplicates and reordering are counted once each', async (t) => {
  // 1200 takes 3.5 ms: 1201 and 1202 overtake it.
  const log = made({ twice: [1300, 1301, 100], delayMs: (at) => (at === 1200 ? 3.5 : 1) })
  const { duplicated, reordered, oddities } = measureStream(log, marks)
  t.strictSame({ duplicated, reordered }, { duplicated: 2, reordered: 1 })
  t.strictSame(oddities, [
    { atMs: 200, kind: 'reordered' },
    { atMs: 300, kind: 'duplicate' },
    { atMs: 301, kind: 'duplicate' },
  ])
})

t.test(
  'late packets are no outage; of a fault that delays the stream is back when they are in time',
  async (t) => {
    const log = made({ delayMs: (at) => (between(1000, 1400)(at) ? 200 : 1) })
    const measure = measureStream(log, { ...marks, judgesDelay: true })
    t.match(measure, { outageMs: 0, lost: 0, late: 400 })
    // Of the calm 1 % may be late, but it begins with one in time: number 1400, at 11,401.
    t.equal(measure.recoveryMs, 401)
    t.match(measureStream(log, marks), { late: 400, recoveryMs: 0 }, 'on a busy machine anything may be late')
  },
)

t.test(
  'numbers that the sender passed over lengthen an outage, and a long stall at its end bends the ruler',
  async (t) => {
    const few = measureStream(made({ lost: between(1000, 1030), unsent: between(1010, 1013) }), marks)
    t.match(few, { outageMs: 30, lost: 27, worstSendGapMs: 4 })
    t.equal(few.bent, undefined)
    const many = measureStream(made({ lost: between(1000, 1030), unsent: between(1022, 1032) }), marks)
    t.match(many, { outageMs: 32, bent: /sender stalled for 11.0 ms/ })
    const middle = measureStream(made({ lost: between(1000, 1300), unsent: between(1100, 1120) }), marks)
    t.match(middle, { outageMs: 300 })
    t.equal(middle.bent, undefined, 'a stall amid a long outage changes nothing')
    const idle = measureStream(made({ unsent: between(1500, 1520) }), marks)
    t.match(idle, { bent: /sender/ }, 'in place of a loss that nobody could see')
  },
)

t.test('a stall of the receiver at the end of an outage bends the ruler', async (t) => {
  const stall = { fromMs: 11_028, ms: 8 }
  t.match(measureStream(made({ lost: between(1000, 1030), receiverStalls: [stall] }), marks), {
    bent: /receiver stalled for 8.0/,
  })
})

t.test('while the stream runs, what may be under way is not judged', async (t) => {
  const lost = (at: number): boolean => between(1000, 1030)(at) || at >= 2100
  const { liftedMs: _lifted, ...live } = marks
  t.match(measureStream(made({ lost, count: 2200 }), { ...live, judgedUntilMs: 12_090 }), {
    lost: 30,
    recoveryMs: 31,
  })
})

t.test('what a frozen process passes on when it is woken counts as lost', async (t) => {
  const measure = measureStream(made({ delayMs: (at) => (between(1010, 1040)(at) ? 2990 : 1) }), marks)
  t.match(measure, { outageMs: 30, lost: 30, duplicated: 0, reordered: 0, rerouteMs: 31 })
})

t.test('the times of a partition count from its lifting', async (t) => {
  const lost = between(1010, 4500)
  const measure = measureStream(made({ lost, count: 8000 }), { ...marks, countsFromLifting: true })
  t.match(measure, { zeroMs: 14_000, outageMs: 500, lost: 500, recoveryMs: 501 })
})

t.test('slices are fine around the fault and coarse further away', async (t) => {
  const { slices } = measureStream(made({ lost: between(1000, 1020) }), marks)
  t.strictSame(
    slices.find(({ fromMs }) => fromMs === -100),
    { fromMs: -100, packets: 10, received: 10, longestMs: 1 },
  )
  t.strictSame(
    slices.find(({ fromMs }) => fromMs === 10),
    { fromMs: 10, packets: 10, received: 0, longestMs: null },
  )
  t.strictSame(
    slices.find(({ fromMs }) => fromMs === 1000),
    { fromMs: 1000, packets: 100, received: 100, longestMs: 1 },
  )
})
