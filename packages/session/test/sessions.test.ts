import t from 'tap'
import type { NodeId } from '@x0t/core'
import { openUnit, sealUnit, type SecurityAssociation } from '../src/index.ts'
import { decodeHandshakeMessage } from '../src/handshake-message.ts'
import { createTestAuthority } from './support/authority.ts'
import { createTestNetwork, seededRandom, type TestNetwork, type TestNode } from './support/network.ts'

const authority = createTestAuthority()
const minutes = 60_000

/** Two members; `lower` has the lower id. */
function pair(
  network: TestNetwork,
  options: Parameters<TestNetwork['add']>[1] = {},
): { lower: TestNode; higher: TestNode } {
  const [a, b] = [authority.issue(), authority.issue()]
  const [first, second] = a.id < b.id ? [a, b] : [b, a]
  return { lower: network.add(first, options), higher: network.add(second, options) }
}

/** The association a node uses for sending to its only peer. */
function inUse(node: TestNode): SecurityAssociation | undefined {
  return node.sessions.list().find(({ state }) => state === 'sending')?.sa
}

/** True if what `from` sends now can be opened by `to` now. */
function arrives(from: TestNode, to: TestNode): boolean {
  const sa = inUse(from)
  if (sa === undefined) return false
  const theirs = to.sessions.list().find((entry) => entry.sa.localSpi === sa.remoteSpi)?.sa
  return theirs !== undefined && openUnit(theirs, 1n, sealUnit(sa, 1n, Buffer.from('x'))).toString() === 'x'
}

t.test('sessions are renewed every two minutes, and no packet is lost on the way', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  lower.sessions.ensure(higher.id)
  await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
  const until = network.clock.monotonicMs() + 10 * minutes
  let lost = 0
  await network.until(
    () => {
      for (const node of [lower, higher]) node.sessions.touch(node === lower ? higher.id : lower.id)
      if (!arrives(lower, higher) || !arrives(higher, lower)) lost++
      return network.clock.monotonicMs() > until
    },
    { stepMs: 50, turns: 20_000 },
  )
  t.equal(lost, 0)
  // 10 minutes, renewals at 108 to 120 s each: 5.
  t.equal(lower.sending.length, 6)
  t.equal(higher.sending.length, 6)
  t.ok(
    lower.sending.every(({ role }) => role === 'initiator'),
    'the initiator renews, the responder need not',
  )
  network.clock.advance(31_000)
  t.equal(lower.sessions.list().length, 1, 'the replaced ones are gone')
})

t.test('a replaced association receives for 30 s more, then its keys are overwritten', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  higher.sessions.ensure(lower.id)
  await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
  const [old] = higher.sending
  higher.sessions.renew(lower.id)
  await network.until(() => higher.sending.length === 2 && lower.sending.length === 2)
  // The initiator waits for the acknowledgement of its confirmation, 20 ms later.
  network.clock.advance(20)
  await network.settle()
  network.clock.advance(29_900)
  t.same(higher.retired, [])
  network.clock.advance(200)
  t.same(higher.retired, [old!.localSpi])
  t.same(lower.retired, [old!.remoteSpi])
  t.ok(old!.sendKey.every((byte) => byte === 0))
  t.ok(old!.receiveKey.every((byte) => byte === 0))
})

t.test('when both start at once, the handshake of the lower id is the one', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  lower.sessions.ensure(higher.id)
  higher.sessions.ensure(lower.id)
  await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
  await network.settle()
  t.equal(inUse(lower)!.role, 'initiator')
  t.equal(inUse(higher)!.role, 'responder')
  t.same([lower.ready.length, higher.ready.length], [1, 1])
  t.ok(lower.counts.get('session_messages_dropped_total crossed')! > 0)
  t.same([...lower.failed, ...higher.failed], [], 'the loser gives way without an error')
})

t.test('handshakes that cross in any way under loss leave both ends able to hear each other', async (t) => {
  for (let seed = 1; seed <= 16; seed++) {
    const network = createTestNetwork(seed)
    const random = seededRandom(seed * 7919)
    const chance = (): number => random.bytes(2)[0]! / 256
    const { lower, higher } = pair(network)
    network.shuffle = true
    network.fate = () => (chance() < 0.25 ? 0 : chance() < 0.2 ? 2 : 1)
    lower.sessions.ensure(higher.id)
    higher.sessions.ensure(lower.id)
    await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
    const until = network.clock.monotonicMs() + 5 * minutes
    let deaf = 0
    await network.until(
      () => {
        for (const [node, peer] of [
          [lower, higher],
          [higher, lower],
        ] as const) {
          if (chance() < 0.5) node.sessions.touch(peer.id)
          if (chance() < 0.002) node.sessions.renew(peer.id)
          if (!arrives(node, peer)) deaf++
        }
        return network.clock.monotonicMs() > until
      },
      { stepMs: 100, turns: 10_000 },
    )
    t.equal(deaf, 0, `seed ${seed}: ${lower.sending.length} and ${higher.sending.length} switches`)
    t.ok(lower.sending.length > 3)
  }
})

t.test('if the confirmation never arrives, the old keys go on and new ones are made', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  lower.sessions.ensure(higher.id)
  await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
  await network.settle()
  let cut = false
  network.fate = (from) => {
    // From the moment that the initiator has its second association nothing of that handshake gets out.
    if (from === lower.id && lower.ready.length === 2) cut = true
    return cut && from === lower.id && lower.ready.length === 2 ? 0 : 1
  }
  lower.sessions.renew(higher.id)
  await network.until(() => lower.sending.length === 2)
  t.ok(cut)
  const until = network.clock.monotonicMs() + 19_000
  let lost = 0
  await network.until(() => {
    if (!arrives(lower, higher) || !arrives(higher, lower)) lost++
    return network.clock.monotonicMs() > until
  })
  network.fate = () => 1
  await network.until(() => {
    if (!arrives(lower, higher) || !arrives(higher, lower)) lost++
    return inUse(higher)!.localSpi === inUse(lower)!.remoteSpi && higher.sending.length >= 2
  })
  t.equal(lost, 0)
})

t.test('a session without traffic lapses, and one with traffic after its time is renewed', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  lower.sessions.ensure(higher.id)
  await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
  await network.pass(137_000)
  t.same(
    [lower.ready.length, higher.ready.length],
    [1, 1],
    'not renewed at 120 s, nor by the responder at 135 s',
  )
  lower.sessions.touch(higher.id)
  await network.until(() => lower.sending.length === 2)
  await network.pass(181_000)
  t.same([lower.sessions.list(), higher.sessions.list()], [[], []])
  lower.sessions.touch(higher.id)
  lower.sessions.ensure(higher.id)
  await network.until(() => lower.sending.length === 3)
})

t.test('the responder renews where the initiator does not', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  lower.sessions.ensure(higher.id)
  await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
  await network.settle()
  // Traffic that only the responder sees, such as what is lost on its way.
  for (let second = 0; second < 140; second++) {
    higher.sessions.touch(lower.id)
    await network.pass(1000)
  }
  t.same(
    higher.sending.map(({ role }) => role),
    ['responder', 'initiator'],
  )
})

t.test('a jump of the wall clock changes nothing', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  lower.sessions.ensure(higher.id)
  await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
  for (const byMs of [86_400_000 * 365, -86_400_000 * 900]) {
    network.clock.jumpWall(byMs)
    network.clock.advance(1000)
    await network.settle()
    t.ok(arrives(lower, higher) && arrives(higher, lower))
  }
  t.same([lower.sending.length, lower.retired], [1, []])
})

t.test('a silent peer is tried six times, with no wait above 1.5 s, then forgotten', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  network.fate = () => 0
  lower.sessions.ensure(higher.id)
  const atMs: number[] = []
  for (let attempt = 1; attempt <= 6; attempt++) {
    await network.until(() => lower.failed.length === attempt, { stepMs: 100 })
    atMs.push(network.clock.monotonicMs())
    lower.sessions.ensure(higher.id)
  }
  t.ok(lower.failed.every((code) => code === 'SESSION_TIMEOUT'))
  // Waits of 0.5 to 1 times 1, then 1.5 s, and 10 s until the timeout of the next.
  for (let i = 1; i < 6; i++) {
    const waitMs = atMs[i]! - atMs[i - 1]! - 10_000
    const fullMs = i === 1 ? 1000 : 1500
    t.ok(waitMs >= fullMs / 2 - 100 && waitMs <= fullMs + 300, `wait ${i}: ${waitMs} ms`)
  }
  network.fate = () => 1
  await network.until(() => lower.sending.length === 1, { stepMs: 100 })
  t.pass('asked again, it starts anew')
})

t.test('a peer that refuses is left alone for longer each time, until a new path leads to it', async (t) => {
  const network = createTestNetwork()
  const [a, b] = [authority.issue(), createTestAuthority().issue()]
  const one = network.add(a)
  network.add(b)
  one.sessions.ensure(b.id)
  const atMs: number[] = []
  for (let attempt = 1; attempt <= 5; attempt++) {
    await network.until(() => one.failed.length === attempt, { stepMs: 50 })
    atMs.push(network.clock.monotonicMs())
  }
  // Waits of 0.5 to 1 times 1, 2, 4, 8 s.
  for (let i = 1; i < 5; i++) {
    const waitMs = atMs[i]! - atMs[i - 1]!
    t.ok(waitMs >= 500 * 2 ** (i - 1) - 100 && waitMs <= 1000 * 2 ** (i - 1) + 500, `wait ${i}: ${waitMs} ms`)
  }
  one.sessions.reachable(b.id)
  const toldAtMs = network.clock.monotonicMs()
  await network.until(() => one.failed.length === 6, { stepMs: 20 })
  t.ok(network.clock.monotonicMs() - toldAtMs < 500, 'tried at once')
})

for (const outageMs of [3_000, 10_500, 31_000, 60_000, 95_000])
  t.test(`after ${outageMs} ms without a path there is a session within 2 s of its return`, async (t) => {
    for (let seed = 1; seed <= 4; seed++) {
      const network = createTestNetwork(seed)
      const { lower, higher } = pair(network)
      network.fate = () => 0
      // As the data plane does for packets that wait: it asks twice a second, at both ends.
      const ask = (): void => {
        lower.sessions.ensure(higher.id)
        higher.sessions.ensure(lower.id)
      }
      for (let passedMs = 0; passedMs < outageMs + seed * 370; passedMs += 500) {
        ask()
        await network.pass(500)
      }
      network.fate = () => 1
      const backAtMs = network.clock.monotonicMs()
      await network.until(
        () => {
          ask()
          return inUse(lower) !== undefined && inUse(higher) !== undefined
        },
        { stepMs: 50 },
      )
      const tookMs = network.clock.monotonicMs() - backAtMs
      t.ok(tookMs <= 2_000, `seed ${seed}: ${tookMs} ms`)
    }
  })

t.test('told of a new path, a handshake under way repeats at once what was lost', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  network.fate = () => 0
  lower.sessions.ensure(higher.id)
  await network.pass(5_000)
  network.fate = () => 1
  lower.sessions.reachable(higher.id)
  await network.settle()
  t.ok(inUse(lower) !== undefined && inUse(higher) !== undefined, 'no time has passed')
  network.fate = () => 0
  let sent = 0
  network.fate = () => {
    sent++
    return 0
  }
  const third = authority.issue()
  lower.sessions.ensure(third.id)
  await network.settle()
  sent = 0
  for (let i = 0; i < 10; i++) lower.sessions.reachable(third.id)
  t.equal(sent, 1, 'a path that flaps costs one repetition in half a second')
  lower.sessions.reachable(authority.issue().id)
  t.equal(sent, 1, 'and nothing where nobody is wanted')
})

t.test('a handshake with a run that has ended does not hold up its restarted peer', async (t) => {
  for (const restarts of ['lower', 'higher'] as const)
    for (const told of [true, false]) {
      const network = createTestNetwork()
      const [a, b] = [authority.issue(), authority.issue()].toSorted((x, y) => (x.id < y.id ? -1 : 1))
      const first = network.add(restarts === 'lower' ? a! : b!)
      const stays = network.add(restarts === 'lower' ? b! : a!)
      // The answer to the first message arrives, nothing after it: both are in the middle of it.
      network.fate = (from, _to, bytes) => {
        const { sender, payload, sequence } = decodeHandshakeMessage(bytes)
        return sender === 'initiator' && from === stays.id && sequence > 0 && payload.length > 0 ? 0 : 1
      }
      stays.sessions.ensure(first.id)
      await network.settle()
      t.same([first.sending, stays.sending], [[], []])
      await first.sessions[Symbol.asyncDispose]()
      const second = network.add(restarts === 'lower' ? a! : b!)
      network.fate = () => 1
      second.sessions.ensure(stays.id)
      if (told) stays.sessions.restarted(first.id)
      const startMs = network.clock.monotonicMs()
      await network.until(() => inUse(stays) !== undefined && inUse(second) !== undefined)
      const tookMs = network.clock.monotonicMs() - startMs
      t.ok(tookMs <= (told ? 1_100 : 2_000), `${restarts} id restarts, told ${told}: ${tookMs} ms`)
      t.ok(arrives(stays, second) && arrives(second, stays))
    }
})

t.test('a member with keys makes new ones with a peer that was restarted, without being asked', async (t) => {
  const network = createTestNetwork()
  const [a, b] = [authority.issue(), authority.issue()]
  const [first, stays] = [network.add(a), network.add(b)]
  first.sessions.ensure(stays.id)
  await network.until(() => inUse(stays) !== undefined)
  await first.sessions[Symbol.asyncDispose]()
  const second = network.add(a)
  stays.sessions.restarted(a.id)
  await network.until(() => second.sending.length === 1 && stays.sending.length === 2)
  t.ok(arrives(stays, second) && arrives(second, stays))
  stays.sessions.restarted(authority.issue().id)
  t.equal(
    stays.sessions.list().some(({ sa }) => sa.peer !== a.id),
    false,
    'none with one that was never met',
  )
})

t.test('without being asked again, six failures are the end', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  network.fate = () => 0
  lower.sessions.ensure(higher.id)
  await network.until(() => lower.failed.length === 6, { stepMs: 200 })
  network.clock.advance(10 * minutes)
  await network.settle()
  t.equal(lower.failed.length, 6)
})

t.test('a dropped peer loses everything at once', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  lower.sessions.ensure(higher.id)
  await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
  const sa = inUse(lower)!
  lower.sessions.renew(higher.id)
  lower.sessions.drop(higher.id)
  t.same(lower.sessions.list(), [])
  t.same(lower.retired, [sa.localSpi])
  t.ok(sa.sendKey.every((byte) => byte === 0))
  await network.settle()
  network.clock.advance(20_000)
  await network.settle()
  t.same([lower.sessions.list(), lower.sending.length, lower.failed], [[], 1, []])
})

t.test('disposal retires all, twice does no harm, and nothing happens after it', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  lower.sessions.ensure(higher.id)
  await network.until(() => inUse(lower) !== undefined)
  await lower.sessions[Symbol.asyncDispose]()
  await lower.sessions[Symbol.asyncDispose]()
  t.equal(lower.retired.length, 1)
  lower.sessions.ensure(higher.id)
  lower.sessions.renew(higher.id)
  lower.sessions.receive(higher.id, new Uint8Array(10))
  await network.settle()
  t.same([lower.sessions.list(), lower.failed], [[], []])
})

t.test('only so many peers, handshakes at a time, and handshakes of one peer are served', async (t) => {
  const network = createTestNetwork()
  const busy = network.add(authority.issue(), { limits: { maxPeers: 3, maxHandshakes: 2 } })
  const others = Array.from({ length: 4 }, () => network.add(authority.issue()))
  for (const other of others) busy.sessions.ensure(other.id)
  t.same(busy.failed, ['SESSION_LIMIT'], 'the fourth peer is one too many')
  await network.until(() => busy.sending.length === 3)
  t.pass('those that had to wait for a place got one')
  others[3]!.sessions.ensure(busy.id)
  await network.settle()
  t.ok(busy.counts.get('session_messages_dropped_total too-many-peers')! > 0)
  network.clock.advance(4 * minutes)
  await network.settle()
  busy.sessions.ensure(others[3]!.id)
  await network.until(() => busy.sending.some(({ peer }) => peer === others[3]!.id))
  t.pass('the places of lapsed sessions are free again')
})

t.test('who floods a node with beginnings of handshakes is cut off, and others are served', async (t) => {
  const network = createTestNetwork()
  const [target, flooder, honest] = [authority.issue(), authority.issue(), authority.issue()].map((m) =>
    network.add(m),
  )
  let hello: Uint8Array | undefined
  network.fate = (_from, _to, bytes) => {
    hello ??= bytes
    return 0
  }
  flooder!.sessions.ensure(target!.id)
  await network.settle()
  await flooder!.sessions[Symbol.asyncDispose]()
  network.fate = () => 1
  const at = idOffset(hello!)
  for (let i = 0; i < 200; i++) {
    const copy = hello!.slice()
    copy[at] = i
    target!.sessions.receive(flooder!.id, copy)
    await network.settle()
    network.clock.advance(10)
  }
  const rejected = target!.counts
  t.ok(rejected.get('session_messages_dropped_total busy-with-peer')! >= 190)
  honest!.sessions.ensure(target!.id)
  await network.until(() => target!.sending.length === 1)
  t.equal(target!.sending[0]!.peer, honest!.id)
})

t.test('a lifetime that is changed holds for the associations made from then on', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  t.same(lower.sessions.lifetime, { renewAfterMs: 120_000, expireAfterMs: 180_000 })
  lower.sessions.setLifetime({ renewAfterMs: 20_000, expireAfterMs: 30_000 })
  t.same(lower.sessions.lifetime, { renewAfterMs: 20_000, expireAfterMs: 30_000 })
  for (const [renewAfterMs, expireAfterMs] of [
    [0, 1],
    [2, 2],
    [Number.NaN, 1],
    [-1, 1],
  ] as const)
    t.throws(() => lower.sessions.setLifetime({ renewAfterMs, expireAfterMs }), RangeError)
  lower.sessions.ensure(higher.id)
  await network.until(() => inUse(lower) !== undefined)
  const first = inUse(lower)
  await network.pass(10_000)
  lower.sessions.touch(higher.id)
  t.equal(inUse(lower), first)
  await network.pass(11_000)
  lower.sessions.touch(higher.id)
  await network.until(() => inUse(lower) !== first)
})

t.test('handshakes of a peer that got stuck give their places to a newer one', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network, { limits: { firstRetryMs: 1 } })
  // The initiator hears nothing, and starts again and again.
  network.fate = (from) => (from === higher.id ? 1 : 0)
  for (let begun = 0; begun < 3; begun++) {
    higher.sessions.ensure(lower.id)
    await network.pass(1000)
    higher.sessions.drop(lower.id)
  }
  t.ok(lower.counts.get('session_messages_dropped_total busy-with-peer')! > 0, 'two are served at a time')
  network.fate = () => 1
  const startedAtMs = network.clock.monotonicMs()
  higher.sessions.ensure(lower.id)
  await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
  t.ok(network.clock.monotonicMs() - startedAtMs < 3_000, 'sooner than the stuck ones time out')
})

t.test('a message in a foreign name, a late one and rubbish are dropped and counted', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  const third = network.add(authority.issue())
  const seen: { from: NodeId; bytes: Uint8Array }[] = []
  network.fate = (from, _to, bytes) => {
    seen.push({ from, bytes })
    return 1
  }
  lower.sessions.ensure(higher.id)
  await network.until(() => inUse(higher) !== undefined)
  const ofLower = seen.find(
    ({ from, bytes }) => from === lower.id && decodeHandshakeMessage(bytes).sequence > 0,
  )!
  higher.sessions.receive(third.id, ofLower.bytes)
  t.equal(higher.counts.get('session_messages_dropped_total foreign'), 1)
  third.sessions.receive(lower.id, ofLower.bytes)
  t.equal(third.counts.get('session_messages_dropped_total unknown-handshake'), 1)
  higher.sessions.receive(lower.id, Buffer.from('rubbish'))
  t.equal(higher.counts.get('session_messages_dropped_total malformed'), 1)
  higher.sessions.receive(higher.id, ofLower.bytes)
  t.ok(arrives(lower, higher) && arrives(higher, lower))
})

t.test('a restarted member gets a session again, although the other numbers on', async (t) => {
  for (const restarts of ['lower', 'higher'] as const) {
    const network = createTestNetwork()
    const [a, b] = [authority.issue(), authority.issue()].toSorted((x, y) => (x.id < y.id ? -1 : 1))
    const first = network.add(restarts === 'lower' ? a! : b!)
    const stays = network.add(restarts === 'lower' ? b! : a!)
    first.sessions.ensure(stays.id)
    await network.until(() => inUse(stays) !== undefined)
    stays.sessions.renew(first.id)
    await network.until(() => stays.sending.length === 2 && first.sending.length === 2)
    await first.sessions[Symbol.asyncDispose]()
    const second = network.add(restarts === 'lower' ? a! : b!)
    second.sessions.ensure(stays.id)
    await network.until(() => stays.sending.length === 3 && second.sending.length === 1)
    t.ok(arrives(stays, second) && arrives(second, stays), `${restarts} id restarts`)
  }
})

t.test('a stalled handshake of the peer does not keep us from starting our own', async (t) => {
  const network = createTestNetwork()
  const { lower, higher } = pair(network)
  network.fate = (from) => (from === higher.id ? 1 : 0)
  higher.sessions.ensure(lower.id)
  await network.settle()
  network.fate = (from, _to, bytes) => {
    const message = decodeHandshakeMessage(bytes)
    return (message.sender === 'responder') === (from === higher.id) ? 1 : 0
  }
  lower.sessions.ensure(higher.id)
  await network.until(() => inUse(lower) !== undefined && inUse(higher) !== undefined)
  t.equal(inUse(lower)!.role, 'initiator')
})

t.test('a caller that asks for a session with itself, or allows no suite, has a bug', async (t) => {
  const network = createTestNetwork()
  const member = authority.issue()
  const node = network.add(member)
  t.throws(() => node.sessions.ensure(node.id), RangeError)
  t.throws(() => network.add(authority.issue(), { suites: [] }), RangeError)
  node.sessions.renew(authority.issue().id)
  node.sessions.touch(authority.issue().id)
  node.sessions.drop(authority.issue().id)
  t.same(node.sessions.list(), [])
})

/** Where the last byte of the handshake id is in an encoded message. */
function idOffset(bytes: Uint8Array): number {
  return Buffer.from(bytes).indexOf(Buffer.from(decodeHandshakeMessage(bytes).handshakeId, 'hex')) + 15
}
