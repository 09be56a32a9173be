import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import t from 'tap'
import { encodeFrame } from '../src/frame.ts'
import { RawPeer } from './raw-peer.ts'
import { TestMesh, TestPlane } from './test-mesh.ts'

const mesh = new TestMesh()

const oldTls: ConnectionOptions = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  sigalgs: 'ecdsa_secp256r1_sha256',
  ecdhCurve: 'X25519',
  key: undefined,
  cert: undefined,
}

/** Unlike events.once, not bothered by errors. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()))
}

/** Dials with TLS options that depart from the profile, and waits until the connection is over. */
async function dialOddly(plane: TestPlane, options: ConnectionOptions): Promise<void> {
  const socket = connectTls({
    ...plane.member.trust.clientTls(),
    ALPNProtocols: ['x0t/1'],
    ...options,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...plane.address,
  })
  socket.on('error', () => {})
  socket.resume()
  await closed(socket)
}

async function sendRaw(plane: TestPlane, bytes: string | Uint8Array): Promise<void> {
  const socket = connectTcp(plane.address)
  socket.on('error', () => {})
  socket.resume()
  socket.write(bytes)
  await closed(socket)
}

t.test('what is not the TLS profile is refused, each with its reason', async (t) => {
  await using a = await TestPlane.start(mesh.member())
  const cases: [reason: string, attempt: () => Promise<void>][] = [
    ['no-pq-group', () => dialOddly(a, { ecdhCurve: 'X25519' })],
    ['old-tls', () => dialOddly(a, oldTls)],
    ['wrong-alpn', () => dialOddly(a, { ALPNProtocols: ['h2'] })],
    ['wrong-alpn', () => dialOddly(a, { ALPNProtocols: [] })],
    ['no-certificate', () => dialOddly(a, { key: undefined, cert: undefined })],
    ['other-trust-domain', () => dialOddly(a, { ...new TestMesh().member().trust.clientTls() })],
    ['not-tls', () => sendRaw(a, 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['not-tls', () => sendRaw(a, new Uint8Array(64).fill(0x55))],
  ]
  for (const [reason, attempt] of cases) {
    a.forget()
    await attempt()
    await a.refused(reason)
    const counted = a.events.filter((event) => event.kind === 'count')
    t.equal(counted.length, 1, `${reason} is counted once`)
  }
  t.equal(a.plane.neighbours().length, 0)
})

t.test('a member of a mesh of the same name but another authority is not dialled to the end', async (t) => {
  await using a = await TestPlane.start(mesh.member())
  await using b = await TestPlane.start(new TestMesh().member(), { bootstrap: [a.address] })
  await b.refused('other-trust-domain')
  t.same([a.plane.neighbours(), b.plane.neighbours()], [[], []])
})

for (const [reason, options] of [
  ['expired', { shiftMs: -7_200_000 }],
  ['not-yet-valid', { shiftMs: 7_200_000 }],
] as const) {
  t.test(`a member whose SVID is ${reason} is refused, and told so`, async (t) => {
    await using a = await TestPlane.start(mesh.member())
    await using b = await TestPlane.start(mesh.member(options), { bootstrap: [a.address] })
    await a.refused(reason)
    await b.event('count', ({ name, labels }) => name === 'dials_total' && labels.outcome === reason)
    t.same([a.plane.neighbours(), b.plane.neighbours()], [[], []])
  })
}

t.test('a banned member is refused, and told so', async (t) => {
  const member = mesh.member()
  mesh.banned.add(member.nodeId)
  await using a = await TestPlane.start(mesh.member())
  await using b = await TestPlane.start(member, { bootstrap: [a.address] })
  await a.refused('banned')
  await b.event('count', ({ name, labels }) => name === 'dials_total' && labels.outcome === 'banned')
  t.same([a.plane.neighbours(), b.plane.neighbours()], [[], []])
})

t.test('whoever connects and says nothing is closed, and only so many may', async (t) => {
  await using a = await TestPlane.start(mesh.member(), {
    limits: { handshakeTimeoutMs: 300, halfOpenPerAddress: 2 },
  })
  const sockets = [1, 2, 3].map(() =>
    connectTcp(a.address)
      .on('error', () => {})
      .resume(),
  )
  await a.refused('half-open-limit')
  await Promise.all(sockets.map((socket) => closed(socket)))
  await a.refused('handshake-timeout')
  const reasons = a.events.flatMap((event) => (event.kind === 'count' ? [event.labels.reason] : []))
  t.same(reasons, ['half-open-limit', 'handshake-timeout', 'handshake-timeout'])
})

t.test('an address that connects too often is turned away', async (t) => {
  await using a = await TestPlane.start(mesh.member(), {
    limits: { handshakesPerAddress: { burst: 2, perSecond: 0.001 } },
  })
  for (let i = 0; i < 3; i++) await sendRaw(a, 'x'.repeat(64))
  await a.refused('rate-limited')
  t.equal(a.events.filter((event) => event.kind === 'count').length, 3)
})

t.test('frames that break the rules end the connection, with a reason', async (t) => {
  const oversize = Uint8Array.of(0x00, 0x10, 0x00, 0x00, 1)
  const hello = encodeFrame(0, new Uint8Array(4))
  const cases: [what: string, writes: Uint8Array[]][] = [
    ['a frame longer than the bound', [hello, oversize]],
    ['an unknown channel', [hello, Uint8Array.of(0, 0, 0, 1, 9, 9)]],
    ['a frame before the hello', [encodeFrame(1, new Uint8Array(4))]],
    ['a second hello', [hello, hello]],
  ]
  for (const [what, writes] of cases) {
    await using a = await TestPlane.start(mesh.member())
    await using peer = await RawPeer.dial(mesh.member(), a.address)
    await peer.write(...writes)
    await a.refused('frame-invalid')
    t.equal(a.plane.neighbours().length, 0, what)
  }
})

t.test('a member that opens no control stream, or sends no hello, is closed', async (t) => {
  await using a = await TestPlane.start(mesh.member(), { limits: { helloTimeoutMs: 100, deadPeerMs: 400 } })
  {
    await using silent = await RawPeer.dial(mesh.member(), a.address)
    await a.refused('hello-timeout')
    t.equal(silent.nodeId.length, 52)
  }
  a.forget()
  await using mute = await RawPeer.dial(mesh.member(), a.address)
  await mute.write(Uint8Array.of(0))
  await a.refused('hello-timeout')
})

t.test('a neighbour that falls silent is taken for dead', async (t) => {
  await using a = await TestPlane.start(mesh.member(), { limits: { deadPeerMs: 200 } })
  await using peer = await RawPeer.dial(mesh.member(), a.address)
  await peer.write(encodeFrame(0, new Uint8Array(4)))
  const { down } = await a.event('down')
  t.match(down, { nodeId: peer.nodeId, reason: 'dead', by: 'us', isReplaced: false })
})

t.test('a second control stream on one connection is reset and the first goes on', async (t) => {
  await using a = await TestPlane.start(mesh.member())
  await using peer = await RawPeer.dial(mesh.member(), a.address)
  const hello = encodeFrame(0, new Uint8Array(4))
  await peer.write(hello)
  await a.up()
  await t.rejects(async () => {
    await peer.write(hello)
    const stream = await peer.connection.newStream('/x0t/control/1')
    for await (const _ of stream);
    throw new Error('closed')
  })
  t.equal(a.plane.neighbours().length, 1)
})
