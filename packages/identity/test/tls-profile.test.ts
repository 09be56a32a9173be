import { once } from 'node:events'
import { createServer, connect, type ConnectionOptions, type TLSSocket, type TlsOptions } from 'node:tls'
import t, { type Test } from 'tap'
import { systemRandom, type NodeId } from '@x0t/core'
import type { Identity } from '@x0t/keys'
import {
  createAuthority,
  createTrustBundle,
  enrolmentPeerOfSocket,
  enrolmentTlsClient,
  issueSvid,
  peerOfSocket,
  svidSubjectOf,
  tlsProfile,
  type Authority,
  type TlsProfileOptions,
} from '@x0t/identity'
import { clockAt, hourMs, identityOf } from './certificate-maker.ts'

// OpenSSL judges dates by the real clock, so these certificates are of today.
const todayMs = Date.now()
const random = systemRandom
const home = createAuthority({ meshName: 'home', random, clock: clockAt(todayMs) })
const alice = identityOf('alice')
const bob = identityOf('bob')
const nobody = () => false
const judge = { nowMs: () => todayMs, isBanned: nobody }

function credentials(identity: Identity, authority: Authority = home, issuedAtMs = todayMs) {
  const svid = issueSvid(authority, {
    ...svidSubjectOf(identity),
    ttlMs: hourMs,
    clock: clockAt(issuedAtMs),
    random,
  })
  return { chainDer: svid.chainDer, privateKey: identity.mldsa65.privateKey, bundle: authority.bundle }
}

function profileOf(
  identity: Identity,
  options: TlsProfileOptions & { authority?: Authority; issuedAtMs?: number } = {},
) {
  return tlsProfile(credentials(identity, options.authority, options.issuedAtMs), judge, options)
}

/** Both sides of one connection over loopback: what each learned, or the code of what it threw or met. */
async function meet<S, C>(
  server: TlsOptions,
  client: ConnectionOptions,
  read: { server: (socket: TLSSocket) => S; client: (socket: TLSSocket) => C },
): Promise<{ server: S | string; client: C | string }> {
  const listener = createServer(server)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  const serverSide = new Promise<S | string>((resolve) => {
    listener.on('tlsClientError', (error) => resolve(codeOf(error)))
    listener.on('secureConnection', (socket) => {
      socket.on('error', (error) => resolve(codeOf(error)))
      const result = attempt(() => read.server(socket))
      resolve(result)
      socket.end('hello') // the first byte: the client is judged
    })
  })
  const clientSide = new Promise<C | string>((resolve) => {
    const socket = connect({ ...client, host: '127.0.0.1', port })
    socket.on('error', (error) => resolve(codeOf(error)))
    let result: C | string
    socket.on('secureConnect', () => (result = attempt(() => read.client(socket))))
    socket.on('data', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(result))
  })
  try {
    return { client: await clientSide, server: await serverSide }
  } finally {
    listener.close()
  }
}

function attempt<T>(work: () => T): T | string {
  try {
    return work()
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

const peer =
  (isBanned: (id: NodeId) => boolean = nobody) =>
  (socket: TLSSocket): NodeId =>
    peerOfSocket(socket, home.bundle, { nowMs: todayMs, isBanned }).nodeId

async function expectRefusal(
  t: Test,
  server: TlsOptions,
  client: ConnectionOptions,
  codes: { server: string | RegExp; client?: string | RegExp },
): Promise<void> {
  const result = await meet(server, client, { server: peer(), client: peer() })
  t.match(result.server, codes.server)
  if (codes.client !== undefined) t.match(result.client, codes.client)
}

t.test('two members learn who the other is, over X25519MLKEM768 and AES-256-GCM', async (t) => {
  const seen: unknown[] = []
  const note = (socket: TLSSocket): NodeId => {
    seen.push([
      socket.getProtocol(),
      socket.getCipher().name,
      socket.exportKeyingMaterial(32, 'EXPORTER-x0t', Buffer.of()).toString('hex'),
    ])
    return peer()(socket)
  }
  const clientKey: unknown[] = []
  const result = await meet(profileOf(alice).server, profileOf(bob).client, {
    server: note,
    client: (socket) => {
      clientKey.push(socket.getEphemeralKeyInfo())
      return note(socket)
    },
  })
  t.same(result, { server: bob.nodeId, client: alice.nodeId })
  t.match(clientKey, [{ name: 'X25519MLKEM768' }])
  t.match(seen, [
    ['TLSv1.3', 'TLS_AES_256_GCM_SHA384'],
    ['TLSv1.3', 'TLS_AES_256_GCM_SHA384'],
  ])
  t.same((seen[0] as string[])[2], (seen[1] as string[])[2], 'the exporter gives both the same key')
})

t.test('processors without AES prefer ChaCha20', async (t) => {
  const options = { preferChaCha: true }
  const cipher = (socket: TLSSocket): string => socket.getCipher().name
  const both = { server: cipher, client: cipher }
  const result = await meet(profileOf(alice, options).server, profileOf(bob).client, both)
  t.equal(result.client, 'TLS_CHACHA20_POLY1305_SHA256')
})

t.test('a client that offers only X25519 finds no common group', async (t) => {
  await expectRefusal(
    t,
    profileOf(alice).server,
    { ...profileOf(bob).client, ecdhCurve: 'X25519' },
    {
      server: /NO_SUITABLE_KEY_SHARE|NO_SUITABLE_GROUPS/,
      client: /HANDSHAKE_FAILURE/,
    },
  )
})

t.test('a server that offers only X25519 is left by the client', async (t) => {
  await expectRefusal(t, { ...profileOf(alice).server, ecdhCurve: 'X25519' }, profileOf(bob).client, {
    server: /NO_SUITABLE_KEY_SHARE|NO_SUITABLE_GROUPS/,
  })
})

t.test('TLS 1.2 is refused', async (t) => {
  const old = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', rejectUnauthorized: false } as const
  await expectRefusal(t, profileOf(alice).server, old, {
    server: /UNSUPPORTED_PROTOCOL/,
    client: /ALERT_PROTOCOL_VERSION/,
  })
})

t.test('peerOfSocket refuses a group that a wrong configuration let through', async (t) => {
  const classical = { ecdhCurve: 'X25519' }
  const result = await meet(
    { ...profileOf(alice).server, ...classical },
    { ...profileOf(bob).client, ...classical },
    {
      server: peer(),
      client: peer(),
    },
  )
  t.equal(result.client, 'TLS_PROFILE')
})

t.test('peerOfSocket refuses TLS 1.2 that a wrong configuration let through', async (t) => {
  const old = {
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers: 'DEFAULT',
    ecdhCurve: 'auto',
    sigalgs: 'ed25519',
  } as const
  const psk = { ...old, pskCallback: () => ({ psk: Buffer.alloc(32, 1), identity: 'x' }), ciphers: 'PSK' }
  const result = await meet(
    { ...old, ciphers: 'PSK', pskCallback: () => Buffer.alloc(32, 1) },
    { ...psk, checkServerIdentity: () => undefined },
    { server: peer(), client: peer() },
  )
  t.same(result, { server: 'TLS_PROFILE', client: 'TLS_PROFILE' })
})

t.test(
  'a member of another mesh with an identical name of its authority is refused, both ways',
  async (t) => {
    const twin = createAuthority({ meshName: 'home', random, clock: clockAt(todayMs) })
    const stranger = profileOf(bob, { authority: twin })
    await expectRefusal(t, profileOf(alice).server, stranger.client, {
      server: /.+/,
      client: /CERT_SIGNATURE_FAILURE|UNABLE_TO|SIGNATURE_FAILURE|SELF_SIGNED|UNKNOWN_CA/,
    })
    await expectRefusal(t, stranger.server, profileOf(alice).client, {
      server: /.+/,
      client: /SIGNATURE_FAILURE|UNABLE_TO|SELF_SIGNED/,
    })
    const lax = { ...profileOf(alice, { acceptUncertified: true }).server }
    const unchecked = { ...stranger.client, rejectUnauthorized: false }
    await expectRefusal(t, profileOf(alice).server, unchecked, { server: /ECONNRESET|SIGNATURE/ })
    const result = await meet(lax, unchecked, { server: peer(), client: () => 'connected' })
    t.match(
      result.server,
      /^SVID_(WRONG_AUTHORITY|SIGNATURE)$/,
      'peerOfSocket says so where OpenSSL was not asked to',
    )
  },
)

t.test('a client without a certificate is refused', async (t) => {
  await expectRefusal(t, profileOf(alice).server, enrolmentTlsClient(), {
    server: /PEER_DID_NOT_RETURN_A_CERTIFICATE/,
  })
  const result = await meet(profileOf(alice, { acceptUncertified: true }).server, enrolmentTlsClient(), {
    server: peer(),
    client: () => 'connected',
  })
  t.equal(result.server, 'TLS_NO_CERTIFICATE', 'also where the port takes enrolments')
})

t.test('an expired member is refused, as client and as server', async (t) => {
  const expired = profileOf(bob, { issuedAtMs: todayMs - 2 * hourMs })
  // The client thinks it is connected: TLS 1.3 judges it later.
  await expectRefusal(t, profileOf(alice).server, expired.client, { server: 'ECONNRESET' })
  await expectRefusal(t, expired.server, profileOf(alice).client, {
    server: /.+/,
    client: 'CERT_HAS_EXPIRED',
  })
  const judgeLater = { nowMs: () => todayMs + 2 * hourMs, isBanned: nobody }
  const later = tlsProfile(credentials(alice), judgeLater)
  await expectRefusal(t, profileOf(bob).server, later.client, { server: /.+/, client: 'SVID_EXPIRED' })
})

t.test('a banned member is refused although TLS accepts it', async (t) => {
  const isBanned = (id: NodeId): boolean => id === bob.nodeId
  const asClient = await meet(profileOf(alice).server, profileOf(bob).client, {
    server: peer(isBanned),
    client: peer(),
  })
  t.equal(asClient.server, 'SVID_BANNED')
  const wary = tlsProfile(credentials(alice), { ...judge, isBanned })
  await expectRefusal(t, profileOf(bob).server, wary.client, { server: /.+/, client: 'SVID_BANNED' })
})

t.test('another chain than the one that TLS accepted is refused', async (t) => {
  const lax = profileOf(alice, { acceptUncertified: true }).server
  const unknownCa = { ...lax, ca: [] } // OpenSSL cannot build the chain, verifySvid can
  const result = await meet(unknownCa, profileOf(bob).client, { server: peer(), client: () => 'connected' })
  t.equal(result.server, 'TLS_NOT_AUTHORIZED')
})

t.test('a session is never resumed', async (t) => {
  const listener = createServer(profileOf(alice).server, (socket) => socket.end('x'))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  const client = { ...profileOf(bob).client, host: '127.0.0.1', port }
  const first = connect(client)
  const sessions: Buffer[] = []
  first.on('session', (session) => sessions.push(session))
  first.resume()
  await once(first, 'close')
  for (const session of sessions) {
    const again = connect({ ...client, session })
    again.resume()
    await once(again, 'secureConnect')
    t.equal(again.isSessionReused(), false)
    t.equal(peer()(again), alice.nodeId)
    await once(again, 'close')
  }
  listener.close()
})

t.test('a joining node knows the server by the authority that its token pins', async (t) => {
  const pinned = { trustDomain: 'home.x0t', authorityHash: home.certificateHash }
  const server = profileOf(alice, { acceptUncertified: true }).server
  const join = (pins: typeof pinned) => (socket: TLSSocket) => {
    const { peer, bundle } = enrolmentPeerOfSocket(socket, pins, { nowMs: todayMs })
    return [peer.nodeId, bundle.trustDomain]
  }
  const served = await meet(server, enrolmentTlsClient(), { server: () => '', client: join(pinned) })
  t.same(served.client, [alice.nodeId, 'home.x0t'])
  const other = { ...pinned, authorityHash: new Uint8Array(32) }
  const refused = await meet(server, enrolmentTlsClient(), { server: () => '', client: join(other) })
  t.equal(refused.client, 'SVID_WRONG_AUTHORITY')
  const stranger = createAuthority({ meshName: 'home', random, clock: clockAt(todayMs) })
  // It shows the authority of home beside an SVID that this did not issue.
  const liar = tlsProfile(
    {
      ...credentials(bob, stranger),
      chainDer: [...credentials(bob, stranger).chainDer, home.certificateDer],
    },
    judge,
    {
      acceptUncertified: true,
    },
  )
  const lied = await meet(liar.server, enrolmentTlsClient(), { server: () => '', client: join(pinned) })
  t.match(lied.client, /^SVID_(WRONG_AUTHORITY|SIGNATURE)$/)
  t.throws(() => createTrustBundle('other.x0t', [home.certificateDer]), { code: 'BUNDLE_INVALID' })
})
