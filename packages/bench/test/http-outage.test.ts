import t from 'tap'
import { countFailures, gapsOf } from '../src/http/http-run.ts'
import { findOutage, type OutageQuery, type Probe } from '../src/http/outage.ts'

const good = (startMs: number, tookMs = 1): Probe => ({
  startMs,
  firstByteMs: startMs + tookMs,
  endMs: startMs + tookMs,
})
const bad = (startMs: number, tookMs = 1): Probe => ({ startMs, endMs: startMs + tookMs, failure: 'refused' })
const query: OutageQuery = { injectedMs: 100, stableMs: 50, nowMs: 1000, pending: [], normalMs: 5 }

t.test('nothing failed: there is no outage', async (t) => {
  t.strictSame(findOutage([good(90), good(110)], query), { state: 'untouched' })
  t.strictSame(
    findOutage([bad(80), good(110)], query),
    { state: 'untouched' },
    'a failure before the injection',
  )
  t.strictSame(findOutage([], query), { state: 'untouched' })
})

t.test(
  'an outage lasts from the first failed probe to the first good answer after the last failed one',
  async (t) => {
    const probes = [good(95), bad(110), bad(120), good(130), bad(140), good(150, 3), good(160)]
    t.strictSame(findOutage(probes, query), { state: 'back', firstFailedMs: 110, backMs: 153, fastMs: 153 })
  },
)

t.test('a probe under way at the injection that fails counts from the injection', async (t) => {
  const probes = [bad(95, 20), good(120)]
  t.match(findOutage(probes, query), { firstFailedMs: 100, backMs: 121 })
})

t.test('a good answer is not back before it was stable', async (t) => {
  const probes = [bad(110), good(120)]
  t.match(findOutage(probes, { ...query, nowMs: 170 }), { state: 'down' }, 'stable until 171')
  t.match(findOutage(probes, { ...query, nowMs: 171 }), { state: 'back' })
  t.match(
    findOutage(probes, { ...query, pending: [165] }),
    { state: 'down' },
    'a probe of that time still waits',
  )
  t.match(findOutage(probes, { ...query, pending: [172] }), { state: 'back' })
  t.match(findOutage([bad(110)], query), { state: 'down', firstFailedMs: 110 })
})

t.test('requests that hung through a freeze end it when they are answered', async (t) => {
  // Frozen from 110 to 1110, time-out 500: those sent until 600 fail, the later ones hang and are answered at 1112.
  const probes = [bad(200, 500), bad(600, 500), good(700, 412), good(900, 212)]
  const found = findOutage(probes, { ...query, nowMs: 2000, normalMs: 300 })
  t.match(found, { state: 'back', firstFailedMs: 200, backMs: 1112, fastMs: 1112 })
})

t.test('a service that is back but slower than before has not recovered', async (t) => {
  const probes = [bad(110), good(120, 9), good(140, 8)]
  t.strictSame(findOutage(probes, query), { state: 'slow', firstFailedMs: 110, backMs: 129 })
  t.match(findOutage([...probes, good(200, 5)], query), { state: 'back', backMs: 129, fastMs: 205 })
})

t.test('gaps are runs of failed probes in the order of their starts', async (t) => {
  const probes = [bad(95, 10), bad(130), bad(120), good(110), good(140), bad(150), bad(160, 7)]
  t.strictSame(gapsOf(probes, 100), [
    { fromMs: 0, packets: 1, ms: 10 },
    { fromMs: 20, packets: 2, ms: 20 },
    { fromMs: 50, packets: 2, ms: 17 },
  ])
  t.strictSame(gapsOf([good(110)], 100), [])
  t.strictSame(countFailures([bad(1), good(2), { failure: 'timeout' }, bad(3)]), { refused: 2, timeout: 1 })
})
