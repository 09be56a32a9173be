import t from 'tap'
import fc from 'fast-check'
import { createFlapDamping } from '../src/flap-damping.ts'
import { createGapPeak } from '../src/gap-peak.ts'
import { createLiveness, type KernelFinding, type Liveness } from '../src/liveness.ts'
import { createProbePace, suitableIntervalMs, type ProbeInterval } from '../src/probe-pace.ts'
import { decodeLoss, encodeLoss, probeLabel, readProbe, writeProbe, type Probe } from '../src/probe.ts'
import { createRoundTrip } from '../src/round-trip.ts'

/** Two ends of a link on one clock, looked after every `stepMs`; what `from` sends takes `delayMs(from)`. */
function createPair({
  interval = 10,
  stepMs = 1,
  carrier = 'udp',
  startMs = 0,
}: {
  interval?: ProbeInterval
  stepMs?: number
  carrier?: 'udp' | 'tls'
  startMs?: number
} = {}) {
  const pair = {
    nowMs: startMs,
    ends: [0, 1].map(() =>
      createLiveness({ interval, misses: 3, carrier, nowMs: startMs }),
    ) as unknown as readonly [Liveness, Liveness],
    /** What happened: `<ms> <end> <change>`. */
    changes: [] as string[],
    cut: [false, false] as [boolean, boolean],
    /** What the kernel of an end finds. */
    kernel: [undefined, undefined] as [KernelFinding, KernelFinding],
    /** An end that is not scheduled. */
    frozen: [false, false] as [boolean, boolean],
    delayMs: (_from: 0 | 1): number => 0,
    sent: [0, 0] as [number, number],
    change: (probe: Probe, _from: 0 | 1): Probe => probe,
    pass(durationMs: number) {
      for (const end = pair.nowMs + durationMs; pair.nowMs < end;) {
        pair.nowMs += stepMs
        for (const i of [0, 1] as const) if (!pair.frozen[i]) wake(i)
      }
    },
    downs: (from = 0) => pair.changes.slice(from).filter((change) => change.includes('down')),
  }
  const onTheWay: { readonly to: 0 | 1; readonly atMs: number; readonly probe: Probe }[] = []
  const judge = (i: 0 | 1): void => {
    const change = pair.ends[i].judge(pair.nowMs, pair.kernel[i])
    if (change === undefined) return
    pair.changes.push(`${pair.nowMs} ${i} ${change.kind === 'up' ? 'up' : `down ${change.reason}`}`)
    send(i)
  }
  const send = (i: 0 | 1): void => {
    const probe = pair.change(
      { ...pair.ends[i].makeProbe(pair.nowMs), lossRatio: undefined, mtuProbes: 0 },
      i,
    )
    pair.sent[i]++
    if (pair.cut[i]) return
    onTheWay.push({ to: i === 0 ? 1 : 0, atMs: pair.nowMs + pair.delayMs(i), probe })
  }
  /** What one worker does when it wakes: reads what has arrived, sends, judges. */
  const wake = (i: 0 | 1): void => {
    for (let k = 0; k < onTheWay.length;) {
      const { to, atMs, probe } = onTheWay[k]!
      if (to !== i || atMs > pair.nowMs) {
        k++
        continue
      }
      onTheWay.splice(k, 1)
      const answer = pair.ends[i].probeReceived(probe, atMs)
      judge(i)
      if (answer) send(i)
    }
    if (pair.ends[i].isDue(pair.nowMs)) send(i)
    judge(i)
  }
  return pair
}

const timeOf = (change: string | undefined): number => Number(change!.split(' ')[0])

t.test('a silent neighbour is down three intervals after it was heard last, and not before', async (t) => {
  for (let phase = 0; phase < 10; phase++) {
    const pair = createPair()
    pair.pass(500 + phase)
    t.strictSame(
      pair.ends.map((end) => end.alive),
      [true, true],
    )
    t.strictSame(pair.downs(), [])
    const fromMs = pair.nowMs
    pair.cut[0] = true
    pair.pass(60)
    const [first, second] = pair.downs()
    t.match(first, /1 down silent$/)
    t.match(second, /0 down told$/, 'and told of it at once')
    const tookMs = timeOf(first) - fromMs
    // Probes are at most 10 ms apart and may have left just before the cut: 30 ms after the last, plus a step.
    t.ok(tookMs >= 20 && tookMs <= 31, `${tookMs} ms`)
    t.ok(timeOf(second) - timeOf(first) <= 1)
  }
})

t.test('who was not scheduled does not judge before it has sent three probes itself', async (t) => {
  const pair = createPair()
  pair.pass(200)
  pair.frozen[0] = true
  pair.frozen[1] = true
  pair.nowMs += 500 // The machine stood still: both sides.
  pair.frozen[0] = false
  pair.frozen[1] = false
  pair.pass(300)
  t.strictSame(pair.downs(), [], 'neither blames the other')

  pair.frozen[0] = true
  pair.cut[1] = true
  pair.nowMs += 500
  pair.frozen[0] = false
  const wokeMs = pair.nowMs
  pair.pass(100)
  const down = pair.downs().find((change) => change.includes('0 down'))!
  t.match(down, /silent$/)
  t.ok(timeOf(down) - wokeMs <= 31, 'a death during the stall is found three of its own intervals later')
})

t.test('a neighbour that stands still is down, and up again once it has answered for a while', async (t) => {
  const pair = createPair()
  pair.pass(200)
  const fromMs = pair.nowMs
  pair.frozen[1] = true
  pair.pass(200)
  t.match(pair.downs(), [/0 down silent$/])
  t.ok(timeOf(pair.downs()[0]) - fromMs <= 31)
  pair.frozen[1] = false
  const wokeMs = pair.nowMs
  pair.pass(100)
  t.match(pair.downs()[1], /1 down told$/, 'it learns what it had missed')
  t.ok(pair.ends[0].alive && pair.ends[1].alive)
  const up = pair.changes.findLast((change) => change.endsWith(' 0 up'))
  t.ok(timeOf(up) - wokeMs >= 30, 'three intervals of steady answers')
})

t.test(
  'a lost carrier takes the link down at once; what was received before does not bring it back',
  async (t) => {
    const pair = createPair()
    pair.pass(200)
    const [end] = pair.ends
    const before = end.makeProbe(pair.nowMs)
    pair.nowMs += 5
    end.carrierLost()
    t.strictSame(end.judge(pair.nowMs), { kind: 'down', reason: 'carrier' })
    const stale: Probe = {
      sentUs: 210_000,
      echoSentUs: before.sentUs,
      echoDwellUs: 0,
      intervalMs: 10,
      misses: 3,
      hears: true,
      lossRatio: 0,
      mtuProbes: 0,
      wantedMs: 10,
    }
    end.probeReceived(stale, pair.nowMs)
    for (let i = 0; i < 100; i++) t.equal(end.judge(pair.nowMs + i), undefined)
    t.notOk(end.alive)
    const { sentUs } = end.makeProbe(pair.nowMs + 1)
    end.probeReceived({ ...stale, sentUs: 220_000, echoSentUs: sentUs }, pair.nowMs + 6)
    t.equal(end.judge(pair.nowMs + 6), undefined, 'held for three intervals')
    t.equal(end.nextAtMs() <= pair.nowMs + 36, true)
    end.probeReceived({ ...stale, sentUs: 250_000, echoSentUs: sentUs }, pair.nowMs + 36)
    t.strictSame(end.judge(pair.nowMs + 36), { kind: 'up' })
  },
)

t.test('over TCP a link has no carrier of its own, and may be silent for 1.5 s', async (t) => {
  const pair = createPair({ interval: 'auto', carrier: 'tls' })
  pair.pass(3000)
  t.ok(pair.ends[0].intervalMs === 500 && pair.ends[1].intervalMs === 500)
  pair.ends[0].carrierLost()
  t.equal(pair.ends[0].judge(pair.nowMs), undefined)
  pair.cut[0] = true
  pair.pass(900)
  pair.cut[0] = false
  pair.pass(1000)
  t.strictSame(pair.downs(), [])
  const fromMs = pair.nowMs
  pair.cut[0] = true
  pair.pass(2100)
  t.ok(timeOf(pair.downs()[0]) - fromMs <= 1501)
  pair.ends[0].carrierChanged('udp')
  t.equal(pair.ends[0].rttMs, 0, 'what was measured over TCP does not hold for UDP')
})

t.test('auto probes at a moderate pace until the round trip is known, then every 10 ms', async (t) => {
  const pair = createPair({ interval: 'auto' })
  pair.pass(50)
  t.equal(pair.ends[0].intervalMs, 100)
  t.equal(pair.ends[0].deadlineMs, 300)
  pair.pass(500)
  t.equal(pair.ends[0].intervalMs, 10)
  t.equal(pair.ends[0].deadlineMs, 30)
  pair.sent.fill(0)
  pair.pass(1000)
  t.ok(pair.sent[0] >= 100 && pair.sent[0] <= 145, `${pair.sent[0]} probes a second`)
  t.strictSame(pair.downs(), [])
  pair.cut = [true, true]
  pair.pass(1000)
  t.equal(pair.ends[0].intervalMs, 100, 'a link that is down is looked after at a moderate pace')
})

t.test('a long or unsteady way is probed more slowly, and the slower wish of both holds', async (t) => {
  const calm = { rttMs: 1, jitterMs: 0, links: 1, carrier: 'udp' } as const
  t.equal(suitableIntervalMs(calm), 10)
  t.equal(suitableIntervalMs({ ...calm, rttMs: 40 }), 10)
  t.equal(suitableIntervalMs({ ...calm, rttMs: 200 }), 50)
  t.equal(suitableIntervalMs({ ...calm, jitterMs: 5 }), 20)
  t.equal(suitableIntervalMs({ ...calm, rttMs: 9000 }), 1000)
  t.equal(suitableIntervalMs({ ...calm, links: 16 }), 10)
  t.equal(suitableIntervalMs({ ...calm, links: 64 }), 40, '64 links share 1,600 probes a second')
  t.equal(suitableIntervalMs({ ...calm, carrier: 'tls' }), 500)
  const pace = createProbePace('auto')
  pace.measured({ ...calm, samples: 2 }, 0)
  t.equal(pace.wantedMs, 100, 'two samples are too few')
  pace.measured({ ...calm, samples: 3 }, 0)
  t.equal(pace.wantedMs, 10)
  pace.measured({ ...calm, jitterMs: 10, samples: 4 }, 1)
  t.equal(pace.wantedMs, 40, 'raised at once')
  pace.measured({ ...calm, samples: 5 }, 1900)
  t.equal(pace.wantedMs, 40)
  pace.measured({ ...calm, samples: 6 }, 2001)
  t.equal(pace.wantedMs, 10, 'lowered after two seconds')
  pace.restart()
  t.equal(pace.wantedMs, 100)

  const far = createPair({ interval: 'auto' })
  far.delayMs = () => 100
  far.pass(3000)
  t.equal(far.ends[0].rttMs, 200)
  t.equal(far.ends[0].intervalMs, 50)
  far.ends[0].setLinks(640)
  far.pass(1000)
  t.equal(far.ends[1].intervalMs, 400, 'the other side keeps to it')
  t.strictSame(far.downs(), [])
})

t.test('an interval that grows is told before it is used: no probe is missed meanwhile', async (t) => {
  for (const lost of [1, 2, 3]) {
    const pair = createPair({ interval: 'auto' })
    pair.pass(1000)
    pair.ends[0].setLinks(160)
    let dropped = 0
    // The first probes that tell of it are lost.
    pair.change = (probe, from) => {
      pair.cut[0] = from === 0 && probe.intervalMs > 10 && ++dropped < lost
      return probe
    }
    pair.pass(2000)
    // Three intervals of 100 ms, or the pause of up to three intervals that was seen, and half as much again.
    t.ok(pair.ends[1].deadlineMs >= 300 && pair.ends[1].deadlineMs <= 450)
    t.strictSame(pair.downs(), [], `with ${lost - 1} of them lost`)
  }
})

t.test(
  'a neighbour that keeps saying it does not hear us is believed, but ever more slowly again',
  async (t) => {
    const pair = createPair()
    pair.pass(200)
    let flip = 0
    pair.change = (probe, from) => (from === 1 && ++flip % 2 === 0 ? { ...probe, hears: false } : probe)
    pair.pass(10_000)
    const downs = pair.downs().filter((change) => change.includes('0 down'))
    t.match(downs[0], /told$/)
    // Held for 30, 100, 200, 400, 800, 1600 and then 2000 ms; each of its lies starts that anew.
    t.ok(downs.length <= 10, `${downs.length} times in ten seconds`)
    pair.change = (probe) => probe
    pair.pass(2100)
    t.ok(pair.ends[0].alive)
  },
)

t.test('holding down grows with the number of times and is forgotten in ten seconds', async (t) => {
  const damping = createFlapDamping()
  t.equal(damping.holdMs(10, 0), 0)
  for (const expected of [30, 100, 200, 400, 800, 1600, 2000, 2000]) {
    damping.down(1000)
    t.equal(damping.holdMs(10, 1000), expected)
  }
  t.equal(damping.holdMs(10, 11_000), 0)
})

t.test('a probe that was overtaken tells nothing', async (t) => {
  const pair = createPair()
  pair.pass(100)
  const newest: Probe = {
    sentUs: 200_000,
    echoSentUs: 0,
    echoDwellUs: 0,
    intervalMs: 10,
    misses: 3,
    hears: true,
    lossRatio: 0,
    mtuProbes: 0,
    wantedMs: 10,
  }
  t.equal(pair.ends[0].probeReceived(newest, 101), false)
  t.equal(pair.ends[0].probeReceived({ ...newest, sentUs: 199_000, hears: false }, 101), false)
  t.equal(pair.ends[0].judge(101), undefined)
  t.equal(pair.ends[0].probeReceived({ ...newest, sentUs: 201_000, hears: false }, 102), true)
})

t.test('a probe that could not be sent is tried again and counts as not sent', async (t) => {
  const end = createLiveness({ interval: 10, misses: 3, carrier: 'udp', nowMs: 0 })
  end.makeProbe(0)
  end.sendFailed(0)
  t.equal(end.isDue(1), true)
  t.equal(end.nextAtMs(), 1)
  const pair = createPair()
  pair.pass(200)
  pair.cut[1] = true
  const [stuck] = pair.ends
  const fromMs = pair.nowMs
  for (let i = 0; stuck.alive && i < 100; i++) {
    pair.nowMs++
    if (stuck.isDue(pair.nowMs)) {
      stuck.makeProbe(pair.nowMs)
      stuck.sendFailed(pair.nowMs)
    }
    stuck.judge(pair.nowMs)
  }
  t.notOk(stuck.alive, 'what is stuck for long does not put off judgement for ever')
  t.ok(pair.nowMs - fromMs >= 20)
})

t.test(
  'round trips are measured across the wrap of the clock, without the time at the far side',
  async (t) => {
    const trip = createRoundTrip()
    const wrap = 2 ** 32
    trip.echoed(wrap - 10_000, 20_000, 15_000)
    t.equal(trip.rttMs, 5)
    trip.echoed(wrap - 10_000, 30_000, 15_000)
    t.equal(trip.rttMs, 5, 'a negative sample is refused')
    trip.echoed(wrap - 10_000, 12_000, 15_000)
    t.equal(trip.rttMs, 6, '5 + (13 - 5) / 8')
    t.equal(trip.samples, 2)
  },
)

t.test('a leap of the round trip counts from the third sample on, an outlier hardly at all', async (t) => {
  const trip = createRoundTrip()
  let atUs = 0
  const sample = (ms: number): number => {
    atUs += 10_000
    trip.echoed(atUs, 0, atUs + ms * 1000)
    return trip.rttMs
  }
  for (let i = 0; i < 10; i++) sample(1)
  t.equal(sample(201), 26, '1 + 200 / 8')
  for (let i = 0; i < 40; i++) sample(1)
  t.ok(trip.rttMs < 1.1)
  sample(301)
  sample(301)
  t.equal(sample(305), 301, 'the least of three')
  sample(2)
  sample(2)
  t.equal(sample(2), 2, 'and back')
})

t.test('jitter is the smoothed change of the time on the way', async (t) => {
  const trip = createRoundTrip()
  // RFC 3550 §6.4.1: J += (|D| - J) / 16. The clocks are 5 s apart, and the way takes 1 ms or 3 ms in turn.
  let expected = 0
  for (let i = 0; i < 50; i++) {
    const wayUs = i % 2 === 0 ? 1000 : 3000
    trip.arrived((i * 10_000) >>> 0, i * 10_000 + wayUs + 5_000_000)
    if (i > 0) expected += (2 - expected) / 16
  }
  t.ok(Math.abs(trip.jitterMs - expected) < 1e-9)
  t.ok(trip.jitterMs > 1.8)
  trip.restart()
  t.equal(trip.jitterMs, 0)
})

t.test('jitter of the neighbour lengthens the deadline, to twice the misses at most', async (t) => {
  const pair = createPair()
  const turns = [0, 0]
  pair.delayMs = (from) => (turns[from]!++ % 2 === 0 ? 0 : 2)
  pair.pass(1000)
  const { deadlineMs, jitterMs } = pair.ends[0]
  t.ok(jitterMs > 0.5 && jitterMs < 2.1, `${jitterMs}`)
  t.equal(deadlineMs, 30 + 4 * jitterMs)
  pair.delayMs = (from) => (turns[from]!++ % 2 === 0 ? 0 : 9)
  pair.pass(1000)
  t.equal(pair.ends[0].deadlineMs, 60)
})

t.test('pauses that were seen lengthen the deadline to half as much again, for 5 to 10 s', async (t) => {
  const pair = createPair()
  pair.pass(200)
  t.equal(pair.ends[0].deadlineMs, 30)
  pair.frozen[1] = true
  pair.pass(18)
  pair.frozen[1] = false
  pair.pass(100)
  t.strictSame(pair.downs(), [])
  const { deadlineMs } = pair.ends[0]
  t.ok(deadlineMs > 30 && deadlineMs <= 45, `${deadlineMs} ms after a pause of 18 to 28`)
  pair.pass(11_000)
  t.ok(pair.ends[0].deadlineMs < 31)

  // Once such a pause was taken for a death, the same again is not.
  pair.frozen[1] = true
  pair.pass(38)
  pair.frozen[1] = false
  pair.pass(500)
  t.equal(pair.downs().length, 2, 'both sides, once')
  for (let i = 0; i < 5; i++) {
    pair.frozen[1] = true
    pair.pass(38)
    pair.frozen[1] = false
    pair.pass(300)
  }
  t.equal(pair.downs().length, 2)
  t.ok(pair.ends[0].deadlineMs <= 60, 'but never more than twice the misses')
  pair.cut[1] = true
  pair.pass(61)
  t.notOk(pair.ends[0].alive)
})

t.test('a lossy link needs more misses: it is bad, not dead', async (t) => {
  const pair = createPair()
  pair.pass(200)
  // ln(1e-5) / ln(p), rounded up, but 16 at most.
  for (const [ratio, misses] of [
    [0.01, 3],
    [0.05, 4],
    [0.1, 5],
    [0.2, 8],
    [0.3, 10],
    [0.5, 16],
    [1, 16],
  ] as const) {
    pair.ends[0].lossSeen(ratio)
    t.equal(pair.ends[0].deadlineMs, misses * 10, `${ratio}`)
  }
  for (let i = 0; i < 400; i++) pair.ends[0].lossSeen(0)
  t.equal(pair.ends[0].deadlineMs, 30, 'forgotten within some seconds')
  pair.ends[0].lossSeen(0.2)
  pair.ends[1].lossSeen(0.2)
  const seed = 7
  let state = seed
  pair.change = (probe, from) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    pair.cut[from] = state / 2 ** 32 < 0.2
    if (probe.hears) for (const end of pair.ends) end.lossSeen(0.2)
    return probe
  }
  pair.pass(60_000)
  t.strictSame(pair.downs(), [], `one in five lost for a minute, seed ${seed}`)
})

t.test('the peak of the pauses is that of this half and the one before', async (t) => {
  const gaps = createGapPeak()
  gaps.record(2, 0)
  gaps.record(3, 4000)
  gaps.record(1, 5000)
  t.equal(gaps.peak, 3)
  gaps.record(1, 10_000)
  t.equal(gaps.peak, 1)
  gaps.record(5, 10_500)
  gaps.record(2, 100_000)
  t.equal(gaps.peak, 2, 'what is long ago does not count')
})

t.test('a probe comes out of its bytes as it went in, with loss in steps of its root', async (t) => {
  t.equal(encodeLoss(undefined), 127)
  t.equal(decodeLoss(127), undefined)
  t.equal(encodeLoss(0.25), 63, 'root 0.5 of 126')
  t.equal(decodeLoss(63), 0.25)
  t.equal(decodeLoss(encodeLoss(0)), 0)
  t.equal(decodeLoss(encodeLoss(1)), 1)
  t.equal(encodeLoss(7), 126)
  const u32 = fc.nat({ max: 2 ** 32 - 1 })
  const probes = fc.record(
    {
      sentUs: u32,
      echoSentUs: u32,
      echoDwellUs: u32,
      intervalMs: fc.integer({ min: 1, max: 65_535 }),
      misses: fc.nat({ max: 255 }),
      hears: fc.boolean(),
      lossRatio: fc.option(
        fc.nat({ max: 126 }).map((code) => decodeLoss(code)),
        { nil: undefined },
      ),
      mtuProbes: u32,
      wantedMs: fc.integer({ min: 1, max: 65_535 }),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(probes, (probe) => {
      const view = new DataView(new ArrayBuffer(60))
      writeProbe(view, 3, probe)
      const [high, low] = probeLabel(probe)
      view.setUint32(3 + 16, high)
      view.setUint32(3 + 20, low)
      t.strictSame(readProbe(view, 3), probe)
    }),
    { seed: 1, numRuns: 200 },
  )
})

t.test('whatever a neighbour sends, judging ends and times stay numbers', async () => {
  const u32 = fc.nat({ max: 2 ** 32 - 1 })
  const anything = fc.array(
    fc.record({
      sentUs: u32,
      echoSentUs: u32,
      echoDwellUs: u32,
      intervalMs: fc.nat({ max: 65_535 }),
      misses: fc.nat({ max: 255 }),
      hears: fc.boolean(),
      lossRatio: fc.constant(undefined),
      mtuProbes: u32,
      wantedMs: fc.nat({ max: 65_535 }),
    }),
  )
  fc.assert(
    fc.property(anything, (probes) => {
      const end = createLiveness({ interval: 'auto', misses: 3, carrier: 'udp', nowMs: 0 })
      let nowMs = 0
      for (const probe of probes) {
        nowMs += 7
        end.probeReceived(probe, nowMs)
        end.judge(nowMs)
        if (end.isDue(nowMs)) end.makeProbe(nowMs)
        const numbers = [end.nextAtMs(), end.deadlineMs, end.intervalMs, end.rttMs, end.jitterMs]
        if (!numbers.every((number) => Number.isFinite(number) && number >= 0)) return false
      }
      return true
    }),
    { seed: 2, numRuns: 300 },
  )
})

t.test("what a kernel finds for a moment only, against this side's probes, changes nothing", async (t) => {
  const pair = createPair()
  pair.pass(200)
  const [end] = pair.ends
  for (let times = 0; times < 5; times++) {
    pair.kernel[0] = 'down'
    pair.pass(9)
    pair.kernel[0] = undefined
    pair.pass(5)
  }
  t.ok(end.alive)
  t.strictSame(pair.downs(), [], 'neither side tells anybody, and nothing is held against the link')
})

t.test("a kernel's finding that lasts takes a living link down, and keeps it down", async (t) => {
  const pair = createPair()
  pair.pass(200)
  const [end] = pair.ends
  t.equal(end.contradictedMs(pair.nowMs), 0)
  t.equal(end.judge(pair.nowMs, 'down'), undefined)
  t.ok(end.nextAtMs() <= pair.nowMs + 10, 'it is looked at again in time')
  pair.kernel[0] = 'down'
  pair.pass(9)
  t.ok(end.alive)
  pair.pass(2)
  t.match(pair.downs(), [/0 down silent$/])
  pair.pass(500)
  t.notOk(end.alive, 'however well its own probes get through')
  // Counted from when the kernel began to deny what they prove.
  const forMs = end.contradictedMs(pair.nowMs)
  t.ok(forMs > 400 && forMs <= 511, `${forMs} ms`)
  pair.kernel[0] = undefined
  pair.pass(1000)
  t.ok(end.alive)
  t.equal(end.contradictedMs(pair.nowMs), 0)
})

t.test('a daemon may be silent for fifteen seconds while its kernel answers, not longer', async (t) => {
  const pair = createPair()
  pair.pass(200)
  const fromMs = pair.nowMs
  pair.frozen[1] = true
  pair.kernel[0] = 'fresh'
  pair.pass(14_900)
  t.strictSame(pair.downs(), [])
  t.ok(pair.ends[0].nextAtMs() > pair.nowMs - 1, 'and nobody spins meanwhile')
  pair.pass(200)
  t.match(pair.downs(), [/0 down silent$/])
  const tookMs = timeOf(pair.downs()[0]) - fromMs
  t.ok(tookMs >= 14_990 && tookMs <= 15_001, `${tookMs} ms`)
})

t.test(
  'a rest ends with the kernel’s answers, with the daemon’s return, and not when the neighbour tells',
  async (t) => {
    const pair = createPair()
    pair.pass(200)
    pair.kernel[0] = 'fresh'
    pair.frozen[1] = true
    pair.pass(1000)
    pair.frozen[1] = false
    pair.pass(100)
    t.notOk(pair.downs().some((change) => change.includes('0 down silent')))
    pair.pass(500)
    t.ok(pair.ends[0].alive && pair.ends[1].alive)
    const before = pair.changes.length
    pair.frozen[1] = true
    pair.pass(1000)
    t.strictSame(pair.downs(before), [])
    pair.kernel[0] = undefined
    pair.pass(2)
    t.match(pair.downs(before), [/0 down silent$/], 'at once: the deadline has long passed')
  },
)

t.test('a lost carrier ends a rest', async (t) => {
  const pair = createPair()
  pair.pass(200)
  pair.kernel[0] = 'fresh'
  pair.frozen[1] = true
  pair.pass(1000)
  pair.ends[0].carrierLost()
  pair.pass(1)
  t.match(pair.downs(), [/0 down carrier$/])
})
