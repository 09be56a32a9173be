import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '@x0t/core'
import t from 'tap'
import { runOpenLoop, type OpenLoopOptions } from '../src/http/open-loop.ts'
import { fireAtRate } from '../src/http/pace.ts'
import type { Answer } from '../src/http/requester.ts'

const clock = systemClock
const { signal } = new AbortController()

/** A service of one worker: requests are answered one after the other, each after `holdMs` of its number. */
function oneWorker(holdMs: (index: number) => number): () => Promise<Answer> {
  let last: Promise<unknown> = Promise.resolve()
  let sent = 0
  return async () => {
    const startMs = clock.monotonicMs()
    const index = sent++
    const turn = last.then(() => (holdMs(index) === 0 ? undefined : delay(holdMs(index))))
    last = turn
    await turn
    const endMs = clock.monotonicMs()
    return { startMs, firstByteMs: endMs, endMs, bytes: 10 }
  }
}

const options: OpenLoopOptions = {
  send: oneWorker(() => 0),
  ratePerSecond: 100,
  seconds: 1,
  warmupSeconds: 0,
  concurrencyLimit: 1000,
  drainMs: 20_000,
  clock,
  signal,
}

t.test('the schedule does not shift, whatever a call takes', async (t) => {
  const due: number[] = []
  await fireAtRate({ ratePerSecond: 200, count: 20, clock, signal }, (index, dueMs) => {
    if (index === 3) for (const until = clock.monotonicMs() + 30; clock.monotonicMs() < until;);
    due.push(dueMs)
  })
  t.equal(due.length, 20)
  for (const [index, dueMs] of due.entries())
    t.ok(Math.abs(dueMs - due[0]! - index * 5) < 1e-6, `call ${index}`)
})

t.test('a pace ends with its signal', async (t) => {
  const abort = new AbortController()
  let calls = 0
  await fireAtRate({ ratePerSecond: 1000, clock, signal: abort.signal }, () => {
    if (++calls === 5) abort.abort()
  })
  t.equal(calls, 5)
})

t.test('a stall is charged to all that fell due meanwhile', async (t) => {
  // 100 a second; request 10 takes half a second. A closed loop would see one slow request; some 50 were due.
  const outcome = await runOpenLoop({ ...options, send: oneWorker((index) => (index === 10 ? 500 : 0)) })
  t.equal(outcome.latenciesMs.length, 100)
  const slow = outcome.latenciesMs.filter((ms) => ms > 50).length
  t.ok(slow >= 30, `${slow} requests waited`)
  t.strictSame(outcome.failures, {})
  t.equal(outcome.heldBack, 0)
  t.equal(outcome.bytes, 1000)
})

t.test('what waits for a free place counts as latency, not as service time', async (t) => {
  const outcome = await runOpenLoop({
    ...options,
    concurrencyLimit: 1,
    send: oneWorker((index) => (index === 10 ? 500 : 0)),
  })
  t.ok(outcome.heldBack >= 30, `${outcome.heldBack} held back`)
  t.ok(outcome.latenciesMs.filter((ms) => ms > 50).length >= 30)
  const slowService = outcome.serviceTimesMs.filter((ms) => ms > 400).length
  t.equal(slowService, 1, 'only one request was slow from its real start')
})

t.test('warm-up is not counted', async (t) => {
  let calls = 0
  const send = async (): Promise<Answer> => {
    const atMs = clock.monotonicMs()
    return { startMs: atMs, endMs: atMs, bytes: 1, ...(++calls <= 10 ? { failure: 'reset' } : {}) }
  }
  const outcome = await runOpenLoop({ ...options, send, seconds: 0.2, warmupSeconds: 0.1 })
  t.equal(calls, 30)
  t.strictSame([outcome.due, outcome.sent, outcome.latenciesMs.length, outcome.failures], [20, 20, 20, {}])
})

t.test('failures are counted by kind, also what never came and what was never sent', async (t) => {
  let calls = 0
  const send = (): Promise<Answer> => {
    const atMs = clock.monotonicMs()
    if (++calls <= 2) return Promise.resolve({ startMs: atMs, endMs: atMs, bytes: 0, failure: 'status-503' })
    return new Promise(() => undefined)
  }
  const outcome = await runOpenLoop({ ...options, send, seconds: 0.1, concurrencyLimit: 3, drainMs: 30 })
  t.strictSame(outcome.failures, { 'status-503': 2, 'not-sent': 5, timeout: 3 })
  t.equal(outcome.sent, 5)
  t.strictSame(outcome.latenciesMs, [])
})

t.test('an abort ends a load', async (t) => {
  const abort = new AbortController()
  const send = (): Promise<Answer> => {
    setTimeout(() => abort.abort(new Error('enough')), 20)
    return new Promise(() => undefined)
  }
  await t.rejects(runOpenLoop({ ...options, send, seconds: 60, signal: abort.signal }), /enough/)
})
