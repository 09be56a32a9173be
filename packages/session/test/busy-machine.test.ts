import t from 'tap'
import { nodeIdFromBytes } from '@x0t/core'
import { FirstMessages } from '../src/first-messages.ts'
import type { HandshakeMessage } from '../src/handshake-message.ts'
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
  const busy = network.add(authority.issue(), { limits: { maxBusy: 3, silentAfterMs: 1000 } })
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

t.test('handshakes that others start wait for their turn too, and are answered in order', async (t) => {
  const network = createTestNetwork()
  const busy = network.add(authority.issue(), { limits: { maxBusy: 2, silentAfterMs: 1000 } })
  const others = Array.from({ length: 6 }, () => network.add(authority.issue()))
  const answered: string[] = []
  network.fate = (from, to) => {
    if (from === busy.id && !answered.includes(to)) answered.push(to)
    return 1
  }
  for (const { sessions } of others) sessions.ensure(busy.id)
  busy.sessions.ensure(others[5]!.id)
  await network.until(() => others.every(({ sending }) => sending.length === 1))
  t.same(
    answered.filter((id) => id !== others[5]!.id),
    others.slice(0, 5).map(({ id }) => id),
  )
  t.equal(busy.counts.get('session_messages_dropped_total busy') ?? 0, 0)
})

t.test('who begins handshakes and says no more takes the turn of the others for a second', async (t) => {
  const network = createTestNetwork()
  const busy = network.add(authority.issue(), { limits: { maxBusy: 2 } })
  const mute = Array.from({ length: 4 }, () => network.add(authority.issue()))
  const honest = network.add(authority.issue())
  const muted = new Set<string>(mute.map(({ id }) => id))
  const begun = new Set<string>()
  network.fate = (from) => {
    if (!muted.has(from)) return 1
    if (begun.has(from)) return 0
    begun.add(from)
    return 1
  }
  for (const { sessions } of mute) sessions.ensure(busy.id)
  await network.settle()
  const startMs = network.clock.monotonicMs()
  honest.sessions.ensure(busy.id)
  await network.until(() => honest.sending.length === 1)
  t.ok(network.clock.monotonicMs() - startMs <= 3000, 'two by two the mute ones give way')
})

t.test('a handshake that waits for its turn is forgotten with its peer', async (t) => {
  const network = createTestNetwork()
  const busy = network.add(authority.issue(), { limits: { maxBusy: 1 } })
  const [first, second] = [network.add(authority.issue()), network.add(authority.issue())]
  network.fate = (_from, to) => (to === first.id ? 0 : 1)
  first.sessions.ensure(busy.id)
  second.sessions.ensure(busy.id)
  await network.settle()
  busy.sessions.drop(second.id)
  second.sessions.drop(busy.id)
  await network.pass(5000)
  t.equal(busy.ready.length, 0)
  t.equal(busy.counts.get('session_handshakes_total responder SESSION_TIMEOUT') ?? 0, 0)
})

t.test('a handshake that a restarted peer began before its restart was heard of goes on', async (t) => {
  const network = createTestNetwork()
  const [peer, node] = [network.add(authority.issue()), network.add(authority.issue())]
  let messages = 0
  network.fate = () => {
    // In the midst of it the news comes.
    if (++messages === 5) node.sessions.restarted(peer.id)
    return 1
  }
  peer.sessions.ensure(node.id)
  await network.until(() => node.sending.length === 1 && peer.sending.length === 1)
  t.equal(node.sending[0]!.role, 'responder')
  t.same([peer.failed, node.failed], [[], []])
})

t.test('places for first messages are bounded, and one who repeats itself keeps its place', (t) => {
  const kept = new FirstMessages()
  const message = { handshakeId: '00', sender: 'initiator', sequence: 0 } as unknown as HandshakeMessage
  const ids = Array.from({ length: 65 }, (_, i) => nodeIdFromBytes(new Uint8Array(32).fill(i + 1)))
  t.same(
    ids.map((id, i) => kept.add(id, message, i)).filter((taken) => !taken),
    [false],
  )
  t.ok(kept.add(ids[0]!, message, 99))
  t.equal(kept.take()?.[0], ids[0])
  kept.forget(ids[2]!, 2)
  kept.forget(ids[1]!)
  t.notOk(kept.has(ids[1]!))
  t.equal(kept.take()?.[0], ids[2])
  t.end()
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
