import t from 'tap'
import { silentLog, systemRandom, X0tError, type NodeId } from '@x0t/core'
import type { Carrier, DataPlaneEvent, Neighbour } from '@x0t/tunnel'
import { decodeLinkOffer, encodeLinkOffer } from '../src/link-offer.ts'
import { manualClock } from './manual-clock.ts'
import { createNeighbourLinks, type NeighbourLinks, sentLossRatio } from '../src/neighbour-links.ts'

const [alice, bob] = ['a'.repeat(52) as NodeId, 'b'.repeat(52) as NodeId]

interface End {
  readonly links: NeighbourLinks
  readonly told: Neighbour[]
  /** Offers that it sent. */
  readonly sent: Uint8Array[]
  /** Ups and downs that it told. */
  readonly changes: string[]
  carrier(): Carrier | undefined
  event(event: DataPlaneEvent): void
}

/** Two ends of one control connection that pass each other their offers at once. */
function connect(
  clock: ReturnType<typeof manualClock>,
  carriers: readonly [Carrier | 'auto', Carrier | 'auto'],
) {
  const ends: End[] = []
  const secret = systemRandom.bytes(32)
  for (const [index, self] of [alice, bob].entries()) {
    const told: Neighbour[] = []
    const sent: Uint8Array[] = []
    const changes: string[] = []
    const links = createNeighbourLinks({
      self,
      dataPlane: { port: 7800, setNeighbour: (one) => void told.push(one), removeNeighbour() {} },
      carrier: carriers[index]!,
      fallbackMs: 2000,
      retryUdpMs: 60_000,
      sendOffer(_to, bytes) {
        sent.push(bytes)
        clock.setTimer(1, () => ends[1 - index]!.links.receiveOffer(self, bytes))
      },
      onUp: () => void changes.push('up'),
      onDown: () => void changes.push('down'),
      onMetric() {},
      clock,
      random: systemRandom,
      log: silentLog,
      counters: { count() {} },
    })
    ends.push({
      links,
      told,
      sent,
      changes,
      carrier: () => told.at(-1)?.carrier,
      event: (event) => links.handle(event),
    })
  }
  const [a, b] = ends as [End, End]
  a.links.controlUp(bob, '192.0.2.2', () => secret.slice())
  b.links.controlUp(alice, '192.0.2.1', () => secret.slice())
  clock.go(10)
  return { a, b }
}

const metric = (neighbour: NodeId, carrier: Carrier): DataPlaneEvent => ({
  kind: 'metric',
  neighbour,
  rttMs: 1,
  jitterMs: 0.1,
  lossRatio: 0,
  lossToRatio: 0.2,
  intervalMs: 10,
  deadlineMs: 30,
  mtuBytes: 1472,
  endpoint: undefined,
  carrier,
})
t.test('link ids that an earlier process still uses are not chosen for a while', async (t) => {
  const clock = manualClock()
  const takenLinkIds = new Set([0x0001, 0x0002])
  const drawn = [0x0001, 0x0002, 0x1234, 0x0001]
  const sent: Uint8Array[] = []
  const links = createNeighbourLinks({
    self: alice,
    dataPlane: { port: 7800, setNeighbour() {}, removeNeighbour() {}, takenLinkIds },
    carrier: 'udp',
    fallbackMs: 2000,
    retryUdpMs: 60_000,
    sendOffer: (_to, bytes) => void sent.push(bytes),
    onUp() {},
    onDown() {},
    onMetric() {},
    clock,
    random: {
      bytes: () =>
        Uint8Array.of(0, 0)
          .fill(drawn[0]! >>> 8, 0, 1)
          .fill(drawn.shift()! & 0xff, 1),
    },
    log: silentLog,
    counters: { count() {} },
  })
  links.controlUp(bob, '192.0.2.2', () => systemRandom.bytes(32))
  t.equal(decodeLinkOffer(sent[0]!).linkId, 0x1234)
  clock.go(15_000)
  links.renew(bob)
  t.equal(decodeLinkOffer(sent[1]!).linkId, 0x0001, 'the kernel has let go of it')
})

const works: DataPlaneEvent = { kind: 'udp-works', neighbour: bob }

t.test('both ends take the same keys, UDP first, and TLS where UDP stays silent', async (t) => {
  const clock = manualClock()
  const { a, b } = connect(clock, ['auto', 'auto'])
  t.equal(a.carrier(), 'udp')
  t.strictSame(a.told[0]!.sendKey, b.told[0]!.receiveKey)
  t.strictSame(a.told[0]!.receiveKey, b.told[0]!.sendKey)
  t.equal(a.told[0]!.remoteLinkId, b.told[0]!.localLinkId)
  t.match(a.told[0]!.endpoint, { host: '192.0.2.2', port: 7800 })
  clock.go(2010)
  t.strictSame([a.carrier(), b.carrier()], ['tls', 'tls'])
  t.notSame(a.told.at(-1)!.sendKey, a.told[0]!.sendKey, 'a new link has new keys')
})

t.test('a link whose probes are answered over UDP stays with it', async (t) => {
  const clock = manualClock()
  const { a, b } = connect(clock, ['auto', 'auto'])
  for (const [end, peer] of [
    [a, bob],
    [b, alice],
  ] as const) {
    end.event({ kind: 'neighbour-up', neighbour: peer })
    end.event(metric(peer, 'udp'))
  }
  clock.go(10_000)
  t.equal(a.carrier(), 'udp')
  t.match(a.links.get(bob), { isUp: true, rttMs: 1, datagramBytes: 1472 })
  t.match(a.links.get(bob), { jitterMs: 0.1, lossToRatio: 0.2, probeIntervalMs: 10, deadlineMs: 30 })
  t.equal(sentLossRatio(a.links.get(bob)!), 0.2, 'what we send is what a route costs')
  t.equal(sentLossRatio({ lossRatio: 0.1, lossToRatio: undefined }), 0.1)
})

t.test(
  'UDP that gets through again is used at once, but with longer and longer waits if it does not last',
  async (t) => {
    const clock = manualClock()
    const { a, b } = connect(clock, ['auto', 'auto'])
    clock.go(2010)
    a.event(works)
    clock.go(10)
    t.strictSame([a.carrier(), b.carrier()], ['udp', 'udp'])
    // It works from a to b only: nothing comes up.
    clock.go(2010)
    t.equal(a.carrier(), 'tls')
    a.event(works)
    clock.go(10)
    t.equal(a.carrier(), 'tls', 'within 5 s of the second failure')
    clock.go(5000)
    a.event(works)
    clock.go(10)
    t.equal(a.carrier(), 'udp')
    clock.go(2010)
    clock.go(5000)
    a.event(works)
    clock.go(10)
    t.equal(a.carrier(), 'tls', 'within 10 s of the third')
  },
)

t.test('a node that is set to TLS does not follow its neighbour to UDP', async (t) => {
  const clock = manualClock()
  const { a, b } = connect(clock, ['auto', 'tls'])
  t.strictSame([a.carrier(), b.carrier()], ['tls', 'tls'])
  a.event(works)
  clock.go(100)
  t.strictSame([a.carrier(), b.carrier()], ['tls', 'tls'])
})

t.test('offers of strangers, of another connection, and broken ones are ignored', async (t) => {
  const clock = manualClock()
  const { a } = connect(clock, ['auto', 'auto'])
  const before = a.told.length
  a.links.receiveOffer('c'.repeat(52) as NodeId, new Uint8Array(3))
  a.links.receiveOffer(bob, Uint8Array.of(0xff))
  a.links.receiveOffer(bob, new Uint8Array(200))
  t.equal(a.told.length, before)
})

t.test('a neighbour that replaces its link without end is not followed, and the link lives on', async (t) => {
  const clock = manualClock()
  const { a, b } = connect(clock, ['auto', 'auto'])
  const { connection } = decodeLinkOffer(b.sent[0]!)
  const replace = (generation: number): void =>
    a.links.receiveOffer(
      bob,
      encodeLinkOffer({ generation, linkId: 1, udpPort: 1, carrier: 'udp', connection }),
    )
  for (let generation = 1; generation <= 100; generation++) replace(generation)
  t.equal(a.told.length, 1 + 16, 'as many as are allowed at once')
  clock.go(1000)
  replace(200)
  t.equal(a.told.length, 1 + 17, 'and one a second')
  t.ok(a.links.get(bob))
})

t.test('a broken control connection leaves a link over UDP for a while, and none over TLS', async (t) => {
  const clock = manualClock()
  for (const carrier of ['udp', 'tls'] as const) {
    const { a } = connect(clock, [carrier, carrier])
    a.event({ kind: 'neighbour-up', neighbour: bob })
    a.event({ kind: 'neighbour-up', neighbour: bob })
    t.strictSame(a.changes, ['up'], 'told once')
    a.links.controlDown(bob)
    t.equal(a.links.get(bob)?.isUp ?? false, carrier === 'udp')
    clock.go(61_000)
    t.equal(a.links.list().length, carrier === 'udp' ? 1 : 0, 'probes still get through')
    a.event({ kind: 'neighbour-down', neighbour: bob, reason: 'silent' })
    a.event({ kind: 'neighbour-down', neighbour: bob, reason: 'silent' })
    clock.go(61_000)
    t.equal(a.links.get(bob), undefined)
    t.strictSame(a.changes, ['up', 'down'])
    a.links.controlDown(bob)
    a.links.remove(bob)
  }
})

t.test(
  'a member that is removed goes at once; one that connects again keeps what was measured',
  async (t) => {
    const clock = manualClock()
    const { a } = connect(clock, ['udp', 'udp'])
    a.event({ kind: 'neighbour-up', neighbour: bob })
    a.event(metric(bob, 'udp'))
    a.event({ kind: 'endpoint', neighbour: bob, endpoint: { host: '192.0.2.9', port: 9 } })
    t.match(a.links.get(bob), { isUp: true, rttMs: 1, endpoint: { host: '192.0.2.9' } })
    a.links.controlUp(bob, '192.0.2.3', () => systemRandom.bytes(32))
    t.match(a.links.get(bob), { isUp: true, rttMs: 1, address: '192.0.2.3' })
    a.links.remove(bob)
    t.strictSame(a.changes, ['up', 'down'])
    a.event({ kind: 'neighbour-up', neighbour: bob })
    a.event({ kind: 'failed', error: new X0tError('X', 'x') })
    t.strictSame(a.links.list(), [], "events of a link that has gone are nobody's")
    const other = connect(clock, ['auto', 'auto'])
    other.a.links.stop()
    t.strictSame(other.a.links.list(), [])
    clock.go(300_000)
    t.equal(other.a.told.length, 1, 'no timer goes on')
  },
)

t.test('UDP is tried again after a minute on TLS, and a link that went down falls back again', async (t) => {
  const clock = manualClock()
  const { a, b } = connect(clock, ['auto', 'auto'])
  clock.go(2010)
  t.equal(a.carrier(), 'tls')
  clock.go(120_000)
  t.equal(a.carrier(), 'udp')
  for (const [end, peer] of [
    [a, bob],
    [b, alice],
  ] as const) {
    end.event({ kind: 'neighbour-up', neighbour: peer })
    end.event(metric(peer, 'udp'))
  }
  clock.go(5000)
  a.event({ kind: 'neighbour-down', neighbour: bob, reason: 'silent' })
  clock.go(2010)
  t.equal(a.carrier(), 'tls')
})
