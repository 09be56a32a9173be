import t from 'tap'
import {
  maxTickMs,
  startRenewal,
  stepRenewal,
  type Instant,
  type RenewalAction,
  type RenewalEvent,
  type RenewalState,
  type SvidDates,
} from '@x0t/identity'
import { hourMs, nowMs, seededRandom } from './certificate-maker.ts'

const random = seededRandom('renewal')
const at = (afterMs: number, jumpMs = 0): Instant => ({
  wallMs: nowMs + afterMs + jumpMs,
  monotonicMs: 1000 + afterMs,
})
const svidAt = (afterMs: number, ttlMs = hourMs): SvidDates => ({
  notBeforeMs: nowMs + afterMs - 300_000,
  notAfterMs: nowMs + afterMs + ttlMs,
})
const renewals = (actions: readonly RenewalAction[]) =>
  actions.flatMap((a) => (a.type === 'renew' ? [a.reason] : []))
const types = (actions: readonly RenewalAction[]) => actions.map(({ type }) => type)

/** A node in fake time: carries the waits out, and asks `authority` whether an attempt works. */
function simulate(
  state: RenewalState,
  until: number,
  authority: (afterMs: number) => SvidDates | undefined,
  begin = 0,
): { state: RenewalState; renewedAt: number[]; failedAt: number[]; expiredAt: number[] } {
  const renewedAt: number[] = []
  const failedAt: number[] = []
  const expiredAt: number[] = []
  let afterMs = begin
  let event: RenewalEvent = { type: 'tick', at: at(afterMs) }
  while (afterMs <= until) {
    const step = stepRenewal(state, event, random)
    state = step.state
    let next: RenewalEvent | undefined
    for (const action of step.actions) {
      if (action.type === 'expired') expiredAt.push(afterMs)
      if (action.type === 'renew') {
        const svid = authority(afterMs)
        if (svid) renewedAt.push(afterMs)
        else failedAt.push(afterMs)
        next = svid ? { type: 'renewed', at: at(afterMs), svid } : { type: 'failed', at: at(afterMs) }
      }
      if (action.type === 'wait' && !next) {
        afterMs += action.delayMs
        next = { type: 'tick', at: at(afterMs) }
      }
    }
    event = next!
  }
  return { state, renewedAt, failedAt, expiredAt }
}

t.test('a node renews at half of the lifetime, up to a tenth of it earlier', (t) => {
  for (let i = 0; i < 50; i++) {
    const { renewedAt } = simulate(startRenewal(svidAt(0), at(0), random), 0.6 * hourMs, svidAt)
    t.equal(renewedAt.length, 1)
    t.ok(renewedAt[0]! >= 0.45 * hourMs && renewedAt[0]! <= 0.5 * hourMs, `at ${renewedAt[0]} ms`)
  }
  t.end()
})

t.test('a year of rotations passes without a gap', (t) => {
  const yearMs = 365 * 24 * hourMs
  const { renewedAt, failedAt, expiredAt } = simulate(startRenewal(svidAt(0), at(0), random), yearMs, svidAt)
  // One each 27 to 30 minutes: 17,520 to 19,467.
  t.ok(renewedAt.length >= 17_520 && renewedAt.length <= 19_467, `${renewedAt.length} rotations`)
  t.same([failedAt, expiredAt], [[], []])
  t.end()
})

t.test('a node without an SVID asks at once', (t) => {
  const { actions } = stepRenewal(startRenewal(undefined, at(0), random), { type: 'tick', at: at(0) }, random)
  t.same(renewals(actions), ['no-svid'])
  t.end()
})

t.test('only one attempt is under way at a time', (t) => {
  let step = stepRenewal(startRenewal(undefined, at(0), random), { type: 'tick', at: at(0) }, random)
  step = stepRenewal(step.state, { type: 'tick', at: at(10_000) }, random)
  t.same(types(step.actions), ['wait'])
  t.end()
})

t.test('a failed attempt is repeated with growing pauses of at most a minute', (t) => {
  const outageMs = 0.9 * hourMs
  const { failedAt, renewedAt, expiredAt } = simulate(
    startRenewal(svidAt(0), at(0), random),
    hourMs,
    (afterMs) => (afterMs < outageMs ? undefined : svidAt(afterMs)),
  )
  const pauses = failedAt.slice(1).map((ms, i) => ms - failedAt[i]!)
  t.ok(pauses[0]! >= 500 && pauses[0]! <= 1000, `first ${pauses[0]} ms`)
  t.ok(pauses[2]! >= 2000 && pauses[2]! <= 4000, `third ${pauses[2]} ms`)
  t.ok(Math.max(...pauses) <= 60_000 && Math.min(...pauses.slice(8)) >= 30_000)
  t.ok(renewedAt[0]! - outageMs <= 60_000, 'within a minute of the end of the outage')
  t.same(expiredAt, [], 'the SVID at hand held through it')
  t.end()
})

t.test('after its end a node goes on trying, and recovers after any time offline', (t) => {
  const weekMs = 7 * 24 * hourMs
  const { state, renewedAt, expiredAt } = simulate(
    startRenewal(svidAt(0), at(0), random),
    weekMs + 120_000,
    (afterMs) => (afterMs < weekMs ? undefined : svidAt(afterMs)),
  )
  t.equal(expiredAt.length, 1, 'said once')
  t.equal(expiredAt[0], hourMs + 1, 'in the millisecond after the end')
  t.ok(renewedAt[0]! - weekMs <= 60_000)
  t.equal(state.isExpired, false)
  t.end()
})

t.test('a node that starts with an ended SVID knows it', (t) => {
  const state = startRenewal(svidAt(-2 * hourMs), at(0), random)
  t.equal(state.isExpired, true)
  const { actions } = stepRenewal(state, { type: 'tick', at: at(0) }, random)
  t.same(types(actions), ['renew', 'wait'])
  t.end()
})

t.test('a node that slept renews at once when it wakes', (t) => {
  const state = startRenewal(svidAt(0), at(0), random)
  // Suspended for 10 minutes: wall time went on, monotonic time did not.
  const awake = stepRenewal(state, { type: 'tick', at: at(20_000, 600_000) }, random)
  t.same(renewals(awake.actions), ['clock-jump'])
  const overslept = stepRenewal(state, { type: 'tick', at: at(20_000, 3 * hourMs) }, random)
  t.same(types(overslept.actions), ['expired', 'renew', 'wait'])
  t.end()
})

t.test('a clock that was set back makes a node ask at once, and its SVID hold again', (t) => {
  const expired = stepRenewal(
    startRenewal(svidAt(0), at(0), random),
    { type: 'tick', at: at(0, 3 * hourMs) },
    random,
  )
  t.equal(expired.state.isExpired, true)
  const failed = stepRenewal(expired.state, { type: 'failed', at: at(1000, 3 * hourMs) }, random)
  const back = stepRenewal(failed.state, { type: 'tick', at: at(2000) }, random)
  t.equal(back.state.isExpired, false)
  t.same(renewals(back.actions), ['clock-jump'])
  t.end()
})

t.test('small differences of the clocks are no jump', (t) => {
  const state = startRenewal(svidAt(0), at(0), random)
  t.same(types(stepRenewal(state, { type: 'tick', at: at(20_000, 4_000) }, random).actions), ['wait'])
  t.same(types(stepRenewal(state, { type: 'tick', at: at(20_000, -4_000) }, random).actions), ['wait'])
  t.end()
})

t.test('an SVID that has ended on arrival is asked for again, with growing pauses', (t) => {
  const asked = stepRenewal(startRenewal(undefined, at(0), random), { type: 'tick', at: at(0) }, random)
  const jumped = stepRenewal(asked.state, { type: 'tick', at: at(1000, hourMs) }, random)
  t.same(types(jumped.actions), ['wait'], 'the attempt is under way')
  const got = stepRenewal(
    jumped.state,
    { type: 'renewed', at: at(2000, hourMs), svid: svidAt(-hourMs) },
    random,
  )
  t.equal(got.state.isExpired, true, 'what came was made before the jump')
  t.same(renewals(got.actions), [])
  // The clock of the node is two hours ahead: every SVID looks ended.
  const ahead = simulate(startRenewal(undefined, at(0), random), hourMs, (afterMs) =>
    svidAt(afterMs - 2 * hourMs),
  )
  t.ok(ahead.renewedAt.length <= 130, `${ahead.renewedAt.length} attempts in an hour`)
  t.end()
})

t.test('a clock that is behind neither lengthens the lifetime nor hides that it was set back', (t) => {
  const back = startRenewal(svidAt(24 * hourMs), at(0), random)
  const asked = stepRenewal(back, { type: 'tick', at: at(0) }, random)
  t.same(renewals(asked.actions), ['clock-jump'])
  const got = stepRenewal(asked.state, { type: 'renewed', at: at(0), svid: svidAt(24 * hourMs) }, random)
  t.ok(got.state.dueMs <= nowMs + hourMs, 'half of the 65 minutes that it lives')
  t.end()
})

t.test('no wait is longer than a tick, nor negative', (t) => {
  const week = svidAt(0, 7 * 24 * hourMs)
  const { actions } = stepRenewal(startRenewal(week, at(0), random), { type: 'tick', at: at(0) }, random)
  t.same(actions, [{ type: 'wait', delayMs: maxTickMs }])
  t.end()
})
