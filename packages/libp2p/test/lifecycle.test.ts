import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { generateKeyPairSync } from 'node:crypto'
import { systemClock, X0tError, type Clock } from '@x0t/core'
import t from 'tap'
import { channels } from '../src/index.ts'
import { TestMesh, TestPlane } from './test-mesh.ts'

const mesh = new TestMesh()
const hello = Uint8Array.of(1)

/** The system's time, with a calendar that a test moves. */
function shiftedClock(): Clock & { shiftMs: number } {
  return {
    ...systemClock,
    shiftMs: 0,
    wallMs: function wallMs() {
      return Date.now() + this.shiftMs
    },
  }
}

t.test('two nodes that dial each other at once keep what the lower id dialled', async (t) => {
  for (let round = 0; round < 3; round++) {
    await using a = await TestPlane.start(mesh.member())
    await using b = await TestPlane.start(mesh.member())
    const [low, high] = a.member.nodeId < b.member.nodeId ? [a, b] : [b, a]
    a.plane.addKnownAddresses([{ nodeId: b.member.nodeId, addresses: [b.address] }])
    b.plane.addKnownAddresses([{ nodeId: a.member.nodeId, addresses: [a.address] }])
    const dialled = (plane: TestPlane): Promise<unknown> =>
      plane.event('count', ({ name, labels }) => name === 'dials_total' && labels.outcome === 'connected')
    await Promise.all([dialled(a), dialled(b)])
    await Promise.all([
      low.event('up', ({ up }) => up.direction === 'outbound'),
      high.event('up', ({ up }) => up.direction === 'inbound'),
    ])
    t.match(low.plane.neighbours(), [{ nodeId: high.member.nodeId, direction: 'outbound' }])
    t.match(high.plane.neighbours(), [{ nodeId: low.member.nodeId, direction: 'inbound' }])
    t.ok(low.plane.send(high.member.nodeId, channels.records, hello))
    t.ok(high.plane.send(low.member.nodeId, channels.records, hello))
    await Promise.all([low.event('frame'), high.event('frame')])
  }
})

t.test('a node that comes back on its address is a neighbour again', async (t) => {
  const member = mesh.member()
  const first = await TestPlane.start(member)
  await using b = await TestPlane.start(mesh.member(), { bootstrap: [first.address] })
  await b.up()
  const { address } = first
  await first[Symbol.asyncDispose]()
  const { down } = await b.event('down')
  t.match(down, { nodeId: member.nodeId, reason: 'shutting-down', by: 'peer' })
  b.forget()
  await using again = await TestPlane.start(member, { listen: [address] })
  await Promise.all([b.up(again), again.up(b)])
  t.equal(b.plane.neighbours().length, 1)
})

t.test('new credentials are used for new connections and live ones stay', async (t) => {
  const member = mesh.member()
  await using a = await TestPlane.start(member)
  await using b = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await b.up()
  const before = b.plane.neighbours()[0]?.svidNotAfterMs
  member.renew({ ttlMs: 7_200_000 })
  a.plane.rotate()
  await using c = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await c.up()
  t.equal(c.plane.neighbours()[0]?.svidNotAfterMs, member.notAfterMs)
  t.ok(member.notAfterMs > (before ?? Infinity))
  t.same(
    b.events.filter(({ kind }) => kind === 'down'),
    [],
  )
  t.ok(b.plane.send(member.nodeId, channels.mesh, hello))
})

t.test('a ban ends a live connection at once, and both sides know why', async (t) => {
  const member = mesh.member()
  await using a = await TestPlane.start(mesh.member())
  await using b = await TestPlane.start(member, { bootstrap: [a.address] })
  await Promise.all([a.up(), b.up()])
  mesh.banned.add(member.nodeId)
  a.plane.recheck()
  t.notOk(a.plane.send(member.nodeId, channels.mesh, hello), 'nothing is sent to it any more')
  t.match((await a.event('down')).down, { nodeId: member.nodeId, reason: 'banned', by: 'us' })
  t.match((await b.event('down')).down, { nodeId: a.member.nodeId, reason: 'banned', by: 'peer' })
  await a.refused('banned')
})

t.test('a connection ends with the SVID of the peer, unless it renews in band', async (t) => {
  const clock = shiftedClock()
  await using a = await TestPlane.start(mesh.member(), { clock, limits: { deadPeerMs: 400 } })
  await using stale = await TestPlane.start(mesh.member(), {
    bootstrap: [a.address],
    limits: { deadPeerMs: 400 },
  })
  await using renewing = await TestPlane.start(mesh.member(), {
    bootstrap: [a.address],
    limits: { deadPeerMs: 400 },
  })
  await Promise.all([a.up(stale), a.up(renewing)])
  a.plane.extendPeer(renewing.member.nodeId, clock.wallMs() + 10 * 3_600_000)
  clock.shiftMs = 2 * 3_600_000
  const { down } = await a.event('down')
  t.match(down, { nodeId: stale.member.nodeId, reason: 'expired', by: 'us' })
  t.match(a.plane.neighbours(), [{ nodeId: renewing.member.nodeId }])
})

t.test('a ban reaches a peer that lives on a renewed SVID', async (t) => {
  const clock = shiftedClock()
  const member = mesh.member()
  await using a = await TestPlane.start(mesh.member(), { clock })
  await using b = await TestPlane.start(member, { bootstrap: [a.address] })
  await Promise.all([a.up(), b.up()])
  a.plane.extendPeer(member.nodeId, clock.wallMs() + 10 * 3_600_000)
  clock.shiftMs = 2 * 3_600_000
  a.plane.recheck()
  t.equal(a.plane.neighbours().length, 1)
  mesh.banned.add(member.nodeId)
  a.plane.recheck()
  t.match((await a.event('down')).down, { reason: 'banned', by: 'us' })
})

t.test('what makes the owner throw costs the neighbour its connection', async (t) => {
  await using a = await TestPlane.start(mesh.member(), {
    onFrame: (_from, channel) => {
      throw channel === channels.mesh
        ? new X0tError('MESH_MALFORMED', 'not a mesh message')
        : new Error('a bug')
    },
  })
  await using b = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await Promise.all([a.up(), b.up()])
  b.plane.send(a.member.nodeId, channels.mesh, hello)
  t.match((await a.event('down')).down, { reason: 'frame-invalid', by: 'us' })
  a.forget()
  b.forget()
  await Promise.all([a.up(), b.up()])
  b.plane.send(a.member.nodeId, channels.records, hello)
  t.match((await a.event('down')).down, { reason: 'other', by: 'us' })
})

t.test('a bootstrap address may be a name', async (t) => {
  await using a = await TestPlane.start(mesh.member(), {
    listen: [
      { host: '::1', port: 0 },
      { host: '127.0.0.1', port: 0 },
    ],
  })
  const { port } = a.plane.addresses.find(({ host }) => host === '127.0.0.1')!
  await using b = await TestPlane.start(mesh.member(), {
    bootstrap: [{ host: 'localhost', port }],
    listen: [],
  })
  t.match(await b.up(), { nodeId: a.member.nodeId, port })
})

t.test('a neighbour that does not read fills its queue, and send says so', async (t) => {
  await using a = await TestPlane.start(mesh.member(), {
    limits: { queueBytes: 200_000, carrierQueueBytes: 100_000 },
  })
  await using b = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await Promise.all([a.up(), b.up()])
  const frame = new Uint8Array(60_000)
  let taken = 0
  // In one turn of the event loop nothing leaves: what is not taken by the stream must queue, then be refused.
  while (a.plane.send(b.member.nodeId, channels.carrier, frame)) taken++
  await a.event(
    'count',
    ({ name, labels }) => name === 'control_frames_dropped_total' && labels.channel === 'carrier',
  )
  t.ok(a.plane.send(b.member.nodeId, channels.mesh, frame), 'mesh has room where carrier has none')
  t.ok((a.plane.neighbours()[0]?.queuedBytes ?? 0) > 100_000)
  await b.event('frame', ({ channel }) => channel === channels.mesh)
  const frames = (): number => b.events.filter(({ kind }) => kind === 'frame').length
  while (frames() < taken + 1) await new Promise((resolve) => setImmediate(resolve))
  t.equal(frames(), taken + 1, 'everything that was taken arrives')
  t.equal(a.plane.neighbours()[0]?.queuedBytes, 0)
})

t.test('a node beyond the maximum is a guest for a while, and refused beyond the guests', async (t) => {
  const limits = { maxNeighbours: 1, maxGuests: 1, guestMs: 200, deadPeerMs: 400 }
  await using a = await TestPlane.start(mesh.member(), { limits })
  await using first = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await first.up()
  await using guest = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await Promise.all([guest.up(), a.up(guest)])
  t.match(a.plane.neighbours(), [{ isGuest: false }, { isGuest: true }])
  await using third = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await a.refused('too-many')
  await third.event('count', ({ name, labels }) => name === 'dials_total' && labels.outcome === 'too-many')
  t.match((await guest.event('down')).down, { reason: 'too-many', by: 'peer' })
  t.match(a.plane.neighbours()[0], { nodeId: first.member.nodeId })
})

t.test(
  'a configured neighbour takes a lasting place before others, and a freed place goes to a guest',
  async (t) => {
    await using seed = await TestPlane.start(mesh.member())
    const limits = { maxNeighbours: 1, maxGuests: 4 }
    await using a = await TestPlane.start(mesh.member(), { limits })
    await using other = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
    await a.up(other)
    const address = a.address
    const { member } = a
    await a[Symbol.asyncDispose]()
    await using again = await TestPlane.start(member, {
      limits,
      listen: [address],
      bootstrap: [seed.address],
    })
    await Promise.all([again.up(other), again.up(seed)])
    const roles = (): unknown => again.plane.neighbours().map(({ nodeId, isGuest }) => ({ nodeId, isGuest }))
    t.match(
      again.plane.neighbours().find(({ nodeId }) => nodeId === seed.member.nodeId),
      { isGuest: false, isConfigured: true },
    )
    t.match(
      again.plane.neighbours().find(({ nodeId }) => nodeId === other.member.nodeId),
      { isGuest: true },
    )
    await seed[Symbol.asyncDispose]()
    await again.event('down', ({ down }) => down.nodeId === seed.member.nodeId)
    t.same(roles(), [{ nodeId: other.member.nodeId, isGuest: false }])
  },
)

t.test('a node does not become its own neighbour', async (t) => {
  const member = mesh.member()
  const first = await TestPlane.start(member)
  const { address } = first
  await first[Symbol.asyncDispose]()
  await using a = await TestPlane.start(member, { listen: [address], bootstrap: [address] })
  await a.event('count', ({ name, labels }) => name === 'dials_total' && labels.outcome === 'self')
  t.same(a.plane.neighbours(), [])
})

t.test('an address where another node answers is dropped', async (t) => {
  await using a = await TestPlane.start(mesh.member())
  await using b = await TestPlane.start(mesh.member())
  b.plane.addKnownAddresses([{ nodeId: mesh.member().nodeId, addresses: [a.address] }])
  await b.refused('wrong-node')
  t.same(b.plane.neighbours(), [])
})

t.test('disconnect ends a neighbour, and what it asks for afterwards fails', async (t) => {
  await using a = await TestPlane.start(mesh.member())
  await using b = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await Promise.all([a.up(), b.up()])
  a.plane.disconnect(b.member.nodeId)
  t.match((await b.event('down')).down, { reason: 'left', by: 'peer' })
  await t.rejects(a.plane.ping(b.member.nodeId, { signal: AbortSignal.timeout(1_000) }), {
    code: 'CONTROL_NOT_CONNECTED',
  })
  b.forget()
  b.plane.retryNow()
  await b.up(a)
})

t.test('after the signal nothing listens any more and neighbours are told', async (t) => {
  const aborter = new AbortController()
  const a = await TestPlane.start(mesh.member(), { signal: aborter.signal })
  await using b = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await b.up()
  aborter.abort()
  t.match((await b.event('down')).down, { reason: 'shutting-down', by: 'peer' })
  await a[Symbol.asyncDispose]()
  const [error] = (await once(connectTcp(a.address), 'error')) as [NodeJS.ErrnoException]
  t.equal(error.code, 'ECONNREFUSED')
  await t.rejects(TestPlane.start(mesh.member(), { signal: aborter.signal }), { name: 'AbortError' })
})

t.test('a port that is taken and a host key of another kind are told by code', async (t) => {
  await using a = await TestPlane.start(mesh.member())
  await t.rejects(TestPlane.start(mesh.member(), { listen: [a.address] }), { code: 'CONTROL_LISTEN_FAILED' })
  const { privateKey } = generateKeyPairSync('x25519')
  await t.rejects(TestPlane.start(mesh.member(), { hostKey: privateKey }), {
    code: 'CONTROL_HOST_KEY_INVALID',
  })
  const mdns = { enabled: true, serviceTag: 'not a tag' }
  await t.rejects(TestPlane.start(mesh.member(), { mdns }), { name: 'RangeError' })
})
