import t from 'tap'
import { openUnit, sealUnit } from '../src/index.ts'
import { createTestAuthority } from './support/authority.ts'
import { createTestNetwork, type TestNode } from './support/network.ts'

const authority = createTestAuthority()

/** True if what `from` sends now can be opened by `to` now. */
function arrives(from: TestNode, to: TestNode): boolean {
  const sa = from.sessions.list().find(({ state }) => state === 'sending')?.sa
  const theirs = to.sessions.list().find((entry) => entry.sa.localSpi === sa?.remoteSpi)?.sa
  if (sa === undefined || theirs === undefined) return false
  return openUnit(theirs, 1n, sealUnit(sa, 1n, Buffer.from('x'))).toString() === 'x'
}

t.test('a handshake that failed over there after it was confirmed here is made again', async (t) => {
  const network = createTestNetwork()
  const initiator = network.add(authority.issue())
  const responder = network.add(authority.issue(), { limits: { handshakeTimeoutMs: 2000 } })
  const hasGivenUp = (): boolean => responder.counts.has('session_handshakes_total responder SESSION_TIMEOUT')
  // From the moment that the initiator has the keys nothing of it gets out, until the responder has given up.
  network.fate = (from) => (from === initiator.id && initiator.ready.length === 1 && !hasGivenUp() ? 0 : 1)
  initiator.sessions.ensure(responder.id)
  await network.until(hasGivenUp)
  t.equal(initiator.sending.length, 1, 'the initiator sends already')
  t.equal(responder.sending.length, 0)
  const failedAtMs = network.clock.monotonicMs()
  await network.until(() => arrives(initiator, responder) && arrives(responder, initiator))
  t.ok(network.clock.monotonicMs() - failedAtMs < 4000, 'at once, not after the timeout')
  await network.pass(60_000)
  t.ok(arrives(responder, initiator), 'what was believed to be replaced is not needed')
})

t.test('handshakes that a node starts wait for their turn, and not for who is silent', async (t) => {
  const network = createTestNetwork()
  const busy = network.add(authority.issue(), { limits: { maxOutgoing: 3, silentAfterMs: 1000 } })
  const others = Array.from({ length: 8 }, () => network.add(authority.issue()))
  const asked = new Set<string>()
  let silent = true
  network.fate = (from, to) => {
    if (from === busy.id) asked.add(to)
    return silent ? 0 : 1
  }
  for (const { id } of others) busy.sessions.ensure(id)
  t.equal(asked.size, 3)
  network.clock.advance(1001)
  t.equal(asked.size, 6, 'three that are silent wait beside three new ones')
  network.clock.advance(1001)
  t.equal(asked.size, 8)
  silent = false
  await network.until(() => busy.sending.length === 8)
  t.same(busy.failed, [])
})

t.test('a handshake that makes progress may take longer than the longest silence', async (t) => {
  const network = createTestNetwork()
  const [a, b] = [network.add(authority.issue()), network.add(authority.issue())]
  const nextMs = new Map<string, number>()
  // One message each way every 1.5 s.
  network.fate = (from) => {
    const nowMs = network.clock.monotonicMs()
    if (nowMs < (nextMs.get(from) ?? 0)) return 0
    nextMs.set(from, nowMs + 1500)
    return 1
  }
  const startMs = network.clock.monotonicMs()
  a.sessions.ensure(b.id)
  await network.until(() => arrives(a, b) && arrives(b, a))
  t.ok(network.clock.monotonicMs() - startMs > 5000, 'slow')
  t.same([a.failed, b.failed], [[], []])
})

t.test('who says a little now and then is not waited for without end', async (t) => {
  const network = createTestNetwork()
  const [a, b] = [network.add(authority.issue()), network.add(authority.issue())]
  let accepted = 0
  // The responder is heard, but the keys are never agreed: its last flight does not come through.
  network.fate = (from) => (from === b.id && ++accepted > 2 ? 0 : 1)
  a.sessions.ensure(b.id)
  const startMs = network.clock.monotonicMs()
  await network.until(() => a.failed.length > 0)
  const tookMs = network.clock.monotonicMs() - startMs
  t.ok(tookMs >= 10_000 && tookMs <= 30_000, `${tookMs} ms`)
  t.equal(a.failed[0], 'SESSION_TIMEOUT')
})
