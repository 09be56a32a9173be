import t from 'tap'
import { mostStall } from '../src/mttr/measure-stream.ts'
import type { StreamLog } from '../src/mttr/stream/log.ts'
import { countBurst } from '../src/takeover-count.ts'

/** One datagram every 0.5 ms from 1000 ms on, each 0.2 ms under way. */
function made(count: number, { lost = [] as number[], unsent = [] as number[] }): StreamLog {
  const sentMs = Float64Array.from({ length: count }, (_, at) =>
    unsent.includes(at) ? NaN : 1000 + at * 0.5,
  )
  const arrivals = [...sentMs.keys()]
    .filter((at) => !lost.includes(at) && !unsent.includes(at))
    .map((sequence) => ({ sequence, atMs: sentMs[sequence]! + 0.2 }))
  return { intervalMs: 0.5, sentMs, arrivals, receiverStalls: [] }
}

const burst = { fromMs: 1010, packets: 100, killedMs: 1030 }

t.test('losses count within the datagrams of the burst only', async (t) => {
  // Numbers 20 to 119 are the burst.
  const log = made(200, { lost: [3, 19, 60, 61, 62, 80, 120, 121] })
  t.strictSame(countBurst(log, burst), { lost: 4, outageMs: 1.5, firstLossMs: 0 })
  t.strictSame(countBurst(made(200, {}), burst), { lost: 0, outageMs: 0 })
})

t.test('numbers that were passed over are no losses, but do not end an outage', async (t) => {
  const log = made(200, { lost: [60, 62, 120], unsent: [61, 90] })
  // Two were passed over, so the burst ends at number 121.
  t.strictSame(countBurst(log, burst), { lost: 3, outageMs: 1.5, firstLossMs: 0 })
})

t.test('a stream that is too short, and a kill outside of it, are no measurement', async (t) => {
  t.throws(() => countBurst(made(110, {}), burst), {
    code: 'BENCH_MEASUREMENT_FAILED',
    message: /90 of 100/,
  })
  t.throws(() => countBurst(made(200, {}), { ...burst, killedMs: 1061 }), {
    code: 'BENCH_MEASUREMENT_FAILED',
  })
})

t.test('the finer the stream, the shorter the stall that bends it', async (t) => {
  t.equal(mostStall(1), 5)
  t.equal(mostStall(0.2), 2)
  t.equal(mostStall(0.1), 1)
  t.equal(mostStall(0.01), 1)
})
