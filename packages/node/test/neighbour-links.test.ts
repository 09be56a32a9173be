import t from 'tap'
import { silentLog, systemRandom, type NodeId } from '@x0t/core'
import type { Carrier, DataPlaneEvent, Neighbour } from '@x0t/tunnel'
import { createNeighbourLinks, type NeighbourLinks } from '../src/neighbour-links.ts'

const [alice, bob] = ['a'.repeat(52) as NodeId, 'b'.repeat(52) as NodeId]

/** A clock that stands still until it is told how long to go on. */
function manualClock() {
  let nowMs = 0
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  return {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    setTimer(afterMs: number, run: () => void) {
      const timer = { atMs: nowMs + afterMs, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    go(ms: number) {
      const endMs = nowMs + ms
      for (;;) {
        const next = [...timers].filter(({ atMs }) => atMs <= endMs).toSorted((x, y) => x.atMs - y.atMs)[0]
        if (next === undefined) break
        timers.delete(next)
        nowMs = Math.max(nowMs, next.atMs)
        next.run()
      }
      nowMs = endMs
    },
  }
}

interface End {
  readonly links: NeighbourLinks
  readonly told: Neighbour[]
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
    const links = createNeighbourLinks({
      self,
      dataPlane: { port: 7800, setNeighbour: (one) => void told.push(one), removeNeighbour() {} },
      carrier: carriers[index]!,
      fallbackMs: 2000,
      retryUdpMs: 60_000,
      sendOffer: (_to, bytes) =>
        void clock.setTimer(1, () => ends[1 - index]!.links.receiveOffer(self, bytes)),
      onUp() {},
      onDown() {},
      onMetric() {},
      clock,
      random: systemRandom,
      log: silentLog,
      counters: { count() {} },
    })
    ends.push({ links, told, carrier: () => told.at(-1)?.carrier, event: (event) => links.handle(event) })
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
  lossRatio: 0,
  mtuBytes: 1472,
  endpoint: undefined,
  carrier,
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
