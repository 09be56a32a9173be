import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import t from 'tap'
import {
  nodeIdFromBytes,
  overlayAddress,
  silentCounters as counters,
  silentLog as log,
  systemRandom as random,
  type NodeId,
} from '@x0t/core'
import { advertisedAddresses, dialable, uniqueAddresses } from '../src/addresses.ts'
import { createAuthorityAccess, type AuthorityAccessOptions } from '../src/authority-access.ts'
import { createEventLog } from '../src/event-log.ts'
import { watchEvents } from '../src/event-stream.ts'
import { decodeLinkOffer, encodeLinkOffer } from '../src/link-offer.ts'
import { createMetrics } from '../src/metrics.ts'
import { createPathWatch } from '../src/path-watch.ts'
import { healthOf } from '../src/node-health.ts'
import { resolveNode } from '../src/node-reference.ts'
import { openNodeState } from '../src/node-state.ts'
import { hasAesInstructions, listsAes } from '../src/processor.ts'
import { createRateMeter } from '../src/rates.ts'
import { every } from '../src/repeat.ts'
import { createRestartWatch } from '../src/restart-watch.ts'
import { createRoutedChannel } from '../src/routed-channel.ts'
import type { Runtime } from '../src/runtime.ts'
import { followTraffic } from '../src/traffic-watch.ts'
import { udpAddress } from '../src/udp-address.ts'
import { manualClock } from './manual-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'x0t-parts-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const idOf = (byte: number): NodeId => nodeIdFromBytes(new Uint8Array(32).fill(byte))
const [alice, bob, carol] = [idOf(1), idOf(2), idOf(3)]

t.test('a link offer is read as it was written, and nothing else is one', async (t) => {
  const offers = fc.record({
    generation: fc.nat(2 ** 31),
    linkId: fc.nat(0xffff),
    udpPort: fc.nat(0xffff),
    carrier: fc.constantFrom('udp' as const, 'tls' as const),
    connection: fc
      .uint8Array({ minLength: 8, maxLength: 8 })
      .map((bytes) => Buffer.from(bytes).toString('hex')),
  })
  fc.assert(
    fc.property(offers, (offer) => t.strictSame(decodeLinkOffer(encodeLinkOffer(offer)), { ...offer })),
    { seed: 1, numRuns: 50 },
  )
  const good = encodeLinkOffer({
    generation: 1,
    linkId: 2,
    udpPort: 3,
    carrier: 'udp',
    connection: '00'.repeat(8),
  })
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, length) => {
      const bad = good.slice(0, length)
      if (at < bad.length) bad[at] = byte
      try {
        const { generation, linkId, udpPort } = decodeLinkOffer(bad)
        return generation <= 2 ** 31 && linkId <= 0xffff && udpPort <= 0xffff
      } catch (error) {
        return error instanceof Error
      }
    }),
    { seed: 2, numRuns: 500 },
  )
  const offer = { generation: 1, linkId: 2, udpPort: 3, carrier: 'udp', connection: '00'.repeat(8) } as const
  for (const [what, bad] of [
    ['a negative number', { ...offer, generation: -1 }],
    ['a port beyond the last', { ...offer, udpPort: 65_536 }],
    ['half a link id', { ...offer, linkId: 0.5 }],
    ['a short connection', { ...offer, connection: '00' }],
    ['no carrier', { ...offer, carrier: 'pigeon' as 'udp' }],
  ] as const)
    t.throws(() => decodeLinkOffer(encodeLinkOffer(bad)), TypeError, what)
  t.throws(() => decodeLinkOffer(Uint8Array.of(0xf6)), /no map/)
  t.throws(() => decodeLinkOffer(Uint8Array.of(0xa1, 0x61, 0x78, 0x00)), /unknown fields/)
  t.throws(() => decodeLinkOffer(new Uint8Array(129)), /too long/)
})

/** Two ends of a routed channel; `lose` says which messages are lost. */
function channelPair(clock: ReturnType<typeof manualClock>, lose: (count: number) => boolean) {
  let sent = 0
  const sessions: string[] = []
  const ends: ReturnType<typeof createRoutedChannel>[] = []
  let answer = async (request: Uint8Array): Promise<Uint8Array> => request.map((byte) => byte + 1)
  for (const [index, self] of [alice, bob].entries())
    ends.push(
      createRoutedChannel({
        send: (_to, payload) => void (lose(sent++) || ends[1 - index]!.receive(self, payload)),
        onSession: (from, message) => void sessions.push(`${from} ${message.join()}`),
        onRequest: (request) => answer(request),
        clock,
        random,
        log,
        counters: metrics,
      }),
    )
  const set = (next: typeof answer): void => void (answer = next)
  return { a: ends[0]!, b: ends[1]!, sessions, set, sent: () => sent }
}
const metrics = createMetrics()

t.test(
  'a request through the mesh is asked again when it is lost, and its answer comes from who was asked',
  async (t) => {
    const clock = manualClock()
    const lossy = channelPair(clock, (count) => count < 2)
    const answered = lossy.a.request(bob, Uint8Array.of(1, 2))
    await clock.settle(8100)
    t.strictSame([...(await answered)], [2, 3])
    t.equal(lossy.sent(), 4, 'two were lost, the third and its answer were not')

    const dead = channelPair(clock, () => true)
    const failed = t.rejects(dead.a.request(bob, Uint8Array.of(1)), { code: 'AUTHORITY_UNREACHABLE' })
    await clock.settle(20_000)
    await failed
    t.equal(dead.sent(), 3)

    const silent = channelPair(clock, () => false)
    silent.set(async () => new Uint8Array())
    await t.rejects(silent.a.request(bob, Uint8Array.of(1)), {
      code: 'AUTHORITY_UNREACHABLE',
      message: /no answer/,
    })
    silent.set(async () => {
      throw new Error('broken')
    })
    const broken = t.rejects(silent.a.request(bob, Uint8Array.of(1)), { code: 'AUTHORITY_UNREACHABLE' })
    await clock.settle(20_000)
    await broken
  },
)

t.test('routed messages that nobody waits for are counted; sessions go through as they are', async (t) => {
  const clock = manualClock()
  const { a, b, sessions, set, sent } = channelPair(clock, () => false)
  a.sendSession(bob, Uint8Array.of(7, 8))
  t.strictSame(sessions, [`${alice} 7,8`])
  const before = (await metrics.totals())['routed_dropped_total'] ?? 0
  b.receive(alice, new Uint8Array())
  b.receive(alice, Uint8Array.of(9, ...new Uint8Array(9)))
  b.receive(alice, Uint8Array.of(3, ...new Uint8Array(9)))
  b.receive(alice, Uint8Array.of(2, 0))
  t.equal((await metrics.totals())['routed_dropped_total'], before + 4)
  // One too many at once: the others hang.
  set(() => new Promise(() => {}))
  const sentBefore = sent()
  for (let i = 0; i < 40; i++) b.receive(alice, Uint8Array.of(2, ...new Uint8Array(8), 1))
  t.equal((await metrics.totals())['routed_dropped_total'], before + 4 + 8, 'at most 32 are served at once')
  t.equal(sent(), sentBefore)
})

t.test('an answer that comes from another node than was asked is none', async (t) => {
  const clock = manualClock()
  let asked: Uint8Array | undefined
  const channel = createRoutedChannel({
    send: (_to, payload) => void (asked = payload),
    onSession() {},
    onRequest: async () => new Uint8Array(),
    clock,
    random,
    log,
    counters,
  })
  let answer: Uint8Array | undefined
  const asking = channel.request(bob, Uint8Array.of(1)).then((bytes) => void (answer = bytes))
  const response = Uint8Array.of(3, ...asked!.subarray(1, 9), 5)
  channel.receive(carol, response)
  await clock.settle(1)
  t.equal(answer, undefined)
  channel.receive(bob, response)
  await asking
  t.strictSame([...answer!], [5])
})

t.test('the way to the authority leads through the mesh, and a newcomer waits for its map', async (t) => {
  const clock = manualClock()
  const asked: NodeId[] = []
  let nodes: ReturnType<AuthorityAccessOptions['nodes']> = []
  const access = createAuthorityAccess({
    self: alice,
    desk: undefined,
    nodes: () => nodes,
    isRoutable: (id) => id !== carol,
    async request(to) {
      asked.push(to)
      if (asked.length === 1) throw new Error('lost')
      return Uint8Array.of(1)
    },
    addresses: () => [],
    bundle: () => ({ trustDomain: 'm.x0t', authorities: [] }),
    isBanned: () => false,
    clock,
    log,
  })
  const passed = access.pass(new Uint8Array())
  await clock.settle(1000)
  t.strictSame(asked, [])
  const features = ['authority']
  nodes = [
    { id: alice, features, addresses: [] },
    { id: carol, features, addresses: [] },
    { id: idOf(4), features: ['relay'], addresses: [] },
    { id: bob, features, addresses: ['nonsense'] },
  ]
  await clock.settle(1000)
  t.strictSame([...(await passed)], [1])
  t.strictSame(asked, [bob, bob], 'neither itself, nor who cannot be reached, nor who is no authority')
  t.strictSame([...(await access.ask(new Uint8Array()))], [1])
  nodes = []
  const late = t.rejects(access.pass(new Uint8Array()), { code: 'AUTHORITY_UNREACHABLE' })
  await clock.settle(9000)
  await late
  await t.rejects(access.ask(new Uint8Array()), { code: 'AUTHORITY_UNREACHABLE', message: /none is known/ })
})

t.test(
  'what a node remembers outlives it, is bounded, and a file of a newer version is left alone',
  async (t) => {
    const path = join(folder, 'state.sqlite')
    const warned: string[] = []
    const noting = { ...log, warn: (event: string) => void warned.push(event) }
    {
      using state = openNodeState(path, noting)
      t.equal(state.linkStateSequence(), 0)
      state.reserveLinkStateSequence(5000)
      state.reserveLinkStateSequence(4000)
      const many = Array.from({ length: 300 }, (_, index) => ({ host: '192.0.2.1', port: index + 1 }))
      state.rememberAddresses(many, 1)
      state.rememberAddresses([{ host: '192.0.2.2', port: 7800 }], 2)
    }
    using state = openNodeState(path, noting)
    t.equal(state.linkStateSequence(), 5000, 'it never goes back')
    t.equal(state.addresses().length, 256)
    t.strictSame(state.addresses()[0], { host: '192.0.2.2', port: 7800 }, 'the latest first')
    {
      using locked = new DatabaseSync(path)
      locked.exec('BEGIN IMMEDIATE; PRAGMA user_version = 9')
      locked.exec('COMMIT')
    }
    t.throws(() => openNodeState(path, noting), { code: 'NODE_STATE_NEWER' })
    state[Symbol.dispose]()
    state.reserveLinkStateSequence(6000)
    state.rememberAddresses([], 3)
    t.strictSame(warned, ['state-not-written', 'state-not-written'], 'what cannot be written is no failure')
  },
)

t.test('counters are told by the names that monitoring knows, and two nodes do not mix', async (t) => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.count('route_refresh_total')
  one.count('records_refused_total', { reason: 'a' })
  one.count('records_refused_total', { reason: 'b' }, 2)
  one.addGauge({ name: 'absent', help: 'h', read: () => undefined })
  one.addGauge({ name: 'absent_by_state', help: 'h', labels: ['state'], read: () => undefined })
  one.addGauge({ name: 'many', help: 'h', labels: ['p'], read: () => [{ labels: { p: 'x' }, value: 2 }] })
  one.addTotal({ name: 'none_total', help: 'h', read: () => undefined })
  one.addTotal({ name: 'grown_total', help: 'h', read: () => 3 })
  one.observe('took_seconds', 0.004)
  one.observe('took_seconds', 7)
  t.match(await one.totals(), { route_refresh_total: 1, records_refused_total: 3 })
  for (let scrape = 0; scrape < 2; scrape++) {
    const text = await one.text()
    t.match(text, /^x0tta6bl4_mesh_route_refresh_total 1$/m)
    t.match(text, /^x0t_records_refused_total\{reason="b"\} 2$/m)
    t.match(text, /^many\{p="x"\} 2$/m)
    t.match(text, /^grown_total 3$/m, 'read anew at each scrape, not added up')
    t.match(text, /^took_seconds_bucket\{le="0.005"\} 1$/m)
    t.match(text, /^took_seconds_count 2$/m)
    t.notMatch(text, /^absent /m)
  }
  t.strictSame(await other.totals(), {})
})

t.test('events are kept up to a bound, and a watcher that throws is let go', async (t) => {
  const clock = manualClock()
  const events = createEventLog(clock, 3)
  let thrown = 0
  events.subscribe(() => {
    thrown++
    throw new Error('no')
  })
  const seen: string[] = []
  const unsubscribe = events.subscribe(({ event }) => void seen.push(event))
  for (const event of ['a', 'b', 'c', 'd']) events.emit(event)
  unsubscribe()
  events.emit('e')
  t.equal(thrown, 1)
  t.strictSame(seen, ['a', 'b', 'c', 'd'])
  t.strictSame(
    events.recent().map(({ event }) => event),
    ['c', 'd', 'e'],
  )
})

t.test('who watches gets the events so far, then new ones; a slow reader loses the oldest', async (t) => {
  const events = createEventLog(manualClock(), 2)
  events.emit('link-up')
  events.emit('link-down')
  const stop = new AbortController()
  const stream = watchEvents(events, stop.signal)
  t.match((await stream.next()).value, { event: 'link-up', level: 'info' })
  t.match((await stream.next()).value, { event: 'link-down', level: 'warn' })
  const next = stream.next()
  events.emit('later')
  t.match((await next).value, { event: 'later' })
  for (let index = 0; index < 1100; index++) events.emit(`event-${index}`)
  t.match((await stream.next()).value, { event: 'event-100' })
  stop.abort()
  t.equal((await stream.next()).done, true)
  const waiting = new AbortController()
  const idle = watchEvents(createEventLog(manualClock()), waiting.signal)
  const ends = idle.next()
  waiting.abort()
  t.equal((await ends).done, true, 'also while it waits')
})

t.test('rates are of the time between two readings, and a counter that begins again is none', async (t) => {
  const clock = manualClock()
  const rate = createRateMeter(() => clock.monotonicMs())
  t.strictSame(rate('x', 100), { total: 100, perSecond: 0 })
  clock.go(100)
  t.strictSame(rate('x', 200), { total: 200, perSecond: 0 }, 'too soon to tell')
  clock.go(900)
  t.strictSame(rate('x', 300), { total: 300, perSecond: 200 })
  clock.go(100)
  t.strictSame(rate('x', 900), { total: 900, perSecond: 200 })
  clock.go(900)
  t.strictSame(rate('x', 5), { total: 5, perSecond: 0 })
  t.strictSame(rate('y', 5), { total: 5, perSecond: 0 })
})

t.test('a member that was restarted is noticed once, and one that is new is not', async (t) => {
  const watch = createRestartWatch(alice)
  const node = (id: NodeId, boot?: string) => ({
    id,
    features: boot === undefined ? ['relay'] : [`boot:${boot}`],
  })
  t.strictSame(watch.look([node(alice, '1'), node(bob, '1'), node(carol)]), [])
  t.strictSame(watch.look([node(alice, '2'), node(bob, '2'), node(carol, '1')]), [bob])
  t.strictSame(watch.look([node(bob, '2'), node(carol, '1')]), [])
  const many = Array.from({ length: 4100 }, (_, index) => {
    const bytes = new Uint8Array(32)
    new DataView(bytes.buffer).setUint16(0, index + 500)
    return node(nodeIdFromBytes(bytes), '1')
  })
  watch.look(many)
  t.strictSame(watch.look([node(bob, '3')]), [], 'who has gone is forgotten when there are too many')
})

t.test('the processor is asked for AES by either spelling', async (t) => {
  t.ok(listsAes('flags\t\t: fpu aes avx'))
  t.ok(listsAes('Features\t: fp asimd aes pmull'))
  t.notOk(listsAes('flags\t\t: fpu vaes\nmodel name: aes'))
  t.equal(await hasAesInstructions(join(folder, 'absent')), false)
  writeFileSync(join(folder, 'cpuinfo'), 'flags : aes\n')
  t.equal(await hasAesInstructions(join(folder, 'cpuinfo')), true)
  await t.rejects(hasAesInstructions(folder), { code: 'EISDIR' })
})

t.test('addresses that others cannot use are not advertised', async (t) => {
  const of = (address: string, family: 'IPv4' | 'IPv6', internal = false) =>
    ({ address, family, internal, netmask: '', mac: '', cidr: null, scopeid: 0 }) as never
  const interfaces = {
    lo: [of('127.0.0.1', 'IPv4', true)],
    eth0: [
      of('192.0.2.1', 'IPv4'),
      of('169.254.1.1', 'IPv4'),
      of('2001:db8::1', 'IPv6'),
      of('fe80::1', 'IPv6'),
    ],
    x0t0: [of(overlayAddress(alice), 'IPv6')],
    gone: undefined,
  }
  const any = [
    { host: '0.0.0.0', port: 7800 },
    { host: '::', port: 7801 },
    { host: '127.0.0.1', port: 1 },
    { host: '198.51.100.1', port: 2 },
  ]
  t.strictSame(advertisedAddresses([], any, interfaces), [
    '192.0.2.1:7800',
    '[2001:db8::1]:7801',
    '198.51.100.1:2',
  ])
  t.strictSame(advertisedAddresses([{ host: 'vpn.example', port: 1 }], any, interfaces), ['vpn.example:1'])
  const twice = [any[0]!, any[1]!, { ...any[0]! }]
  t.strictSame(uniqueAddresses(twice), [any[0], any[1]])
  t.strictSame(dialable(['192.0.2.1:7800', 'nonsense']), [{ host: '192.0.2.1', port: 7800 }])
})

t.test('UDP listens where TCP does', async (t) => {
  const at = (...listen: { host: string; port: number }[]) => udpAddress({ network: { listen } } as never)
  t.strictSame(at(), {})
  t.strictSame(at({ host: '192.0.2.1', port: 1 }), { host: '192.0.2.1', port: 1 })
  t.strictSame(at({ host: '0.0.0.0', port: 1 }), { host: '::', port: 1 })
  t.strictSame(at({ host: '192.0.2.1', port: 1 }, { host: '192.0.2.2', port: 1 }), { host: '::', port: 1 })
})

t.test(
  'a node is meant by its id, the beginning of it, its name or its address, if by one only',
  async (t) => {
    const nodes = [
      { id: alice, name: 'pi' },
      { id: alice, name: 'pi' },
      { id: bob, name: 'twin' },
      { id: carol, name: 'twin' },
    ]
    t.equal(resolveNode(idOf(9), nodes), idOf(9), 'a full id need not be known')
    t.equal(resolveNode('pi', nodes), alice)
    t.equal(resolveNode(alice.slice(0, 4).toUpperCase(), nodes), alice)
    t.equal(resolveNode(overlayAddress(bob), nodes), bob)
    t.throws(() => resolveNode(alice.slice(0, 3), nodes), { code: 'NODE_NOT_FOUND', exitCode: 2 })
    t.throws(() => resolveNode('twin', nodes), { code: 'NODE_AMBIGUOUS', message: new RegExp(bob) })
  },
)

t.test(
  'sessions with traffic are renewed, the others are not, and nothing goes on after the end',
  async (t) => {
    const clock = manualClock()
    const touched: NodeId[] = []
    const watch = followTraffic({
      dataPlane: { peersWithTraffic: () => [Uint8Array.of(2)] },
      sessions: {
        list: () => [alice, bob, bob].map((peer) => ({ sa: { peer } })) as never,
        touch: (peer) => void touched.push(peer),
      },
      labelOf: (id) => Uint8Array.of(id === bob ? 2 : 1),
      clock,
    })
    clock.go(25_000)
    t.strictSame(touched, [bob, bob])
    watch[Symbol.dispose]()
    clock.go(25_000)
    t.equal(touched.length, 2)
    let runs = 0
    const stop = every(clock, 1000, () => runs++)
    clock.go(3500)
    stop()
    clock.go(3500)
    t.equal(runs, 3)
  },
)

t.test('health names each part that does not work', async (t) => {
  const clock = manualClock()
  clock.go(1000)
  const runtime = (state: {
    notAfterMs: number
    known: number
    up: number
    tun?: string
    enabled: boolean
    startedAtMs?: number
  }) =>
    ({
      version: '1',
      startedAtMs: state.startedAtMs ?? 0,
      keeper: { dates: () => ({ notBeforeMs: 0, notAfterMs: state.notAfterMs }) },
      links: { list: () => Array.from({ length: state.up }, () => ({ isUp: true })) },
      mesh: { map: () => ({ nodes: Array.from({ length: state.known }) }) },
      dataPlane: { tunName: state.tun },
      plane: () => ({}),
      config: { tunnel: { enabled: state.enabled } },
      clock,
    }) as unknown as Runtime
  const well = healthOf(runtime({ notAfterMs: 2000, known: 3, up: 1, tun: 'x0t0', enabled: true }))
  t.strictSame(well.components, { identity: true, control_plane: true, neighbours: true, tunnel: true })
  t.strictSame([...(well.criticalIssues ?? []), ...(well.warnings ?? [])], [])
  const ill = healthOf(runtime({ notAfterMs: 999, known: 3, up: 0, enabled: true, startedAtMs: 400_000 }))
  t.strictSame(ill.components, { identity: false, control_plane: true, neighbours: false, tunnel: false })
  t.equal(ill.criticalIssues?.length, 1)
  t.equal(ill.warnings?.length, 3, 'no neighbour, no interface, a clock that was set back')
  t.equal(
    healthOf(runtime({ notAfterMs: 2000, known: 1, up: 0, enabled: false })).components['neighbours'],
    true,
  )
})

t.test('members whose path is new or another are noticed, and those behind a neighbour', (t) => {
  const watch = createPathWatch()
  const table = (paths: Record<string, readonly NodeId[]>): Map<NodeId, { path: readonly NodeId[] }> =>
    new Map(Object.entries(paths).map(([id, path]) => [id as NodeId, { path }]))
  t.same(watch.look(table({ [alice]: [alice], [bob]: [alice, bob] })), [alice, bob])
  t.same(watch.look(table({ [alice]: [alice], [bob]: [alice, bob] })), [])
  t.same(watch.through(alice), [alice, bob])
  t.same(watch.through(carol), [])
  t.same(watch.look(table({ [alice]: [alice], [bob]: [carol, bob] })), [bob])
  t.same(watch.look(table({ [bob]: [carol, bob] })), [], 'a path that is gone is no new one')
  t.same(watch.look(table({ [alice]: [alice], [bob]: [carol, bob] })), [alice])
  t.end()
})
