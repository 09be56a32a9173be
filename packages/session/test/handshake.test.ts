import { setImmediate as nextTurn } from 'node:timers/promises'
import { connect, createServer, type ConnectionOptions, type TlsOptions } from 'node:tls'
import { X0tError } from '@x0t/core'
import t from 'tap'
import { openUnit, sealUnit } from '../src/index.ts'
import { openTlsChannel } from '../src/tls-channel.ts'
import { createTestAuthority } from './support/authority.ts'
import { createTestNetwork } from './support/network.ts'
import { wirePair } from './support/wire-pair.ts'

const authority = createTestAuthority()

t.test('two members get mirrored keys, and what one seals the other opens', async (t) => {
  const network = createTestNetwork()
  const [a, b] = [network.add(authority.issue()), network.add(authority.issue())]
  a.sessions.ensure(b.id)
  await network.until(() => a.sending.length === 1 && b.sending.length === 1, { stepMs: 0 })
  const [saA, saB] = [a.sending[0]!, b.sending[0]!]
  t.same([saA.peer, saA.role, saB.peer, saB.role], [b.id, 'initiator', a.id, 'responder'])
  t.same([saA.localSpi, saA.remoteSpi], [saB.remoteSpi, saB.localSpi])
  const there = sealUnit(saA, 1n, Buffer.from('over there'))
  t.equal(openUnit(saB, 1n, there).toString(), 'over there')
  t.equal(openUnit(saA, 7n, sealUnit(saB, 7n, Buffer.from('and back'))).toString(), 'and back')
  t.throws(
    () => openUnit(saA, 1n, there),
    { code: 'UNIT_INVALID' },
    'a unit reflected to its sender is refused',
  )
})

t.test(
  'a handshake completes although two of five messages are lost, others repeated and disordered',
  async (t) => {
    for (let seed = 1; seed <= 12; seed++) {
      const network = createTestNetwork(seed)
      let number = 0
      network.shuffle = true
      network.fate = () => [1, 0, 2, 0, 1][number++ % 5]!
      const limits = { handshakeTimeoutMs: 60_000 }
      const [a, b] = [network.add(authority.issue(), { limits }), network.add(authority.issue(), { limits })]
      a.sessions.ensure(b.id)
      await network.until(() => a.sending.length === 1 && b.sending.length === 1)
      t.equal(a.sending[0]!.localSpi, b.sending[0]!.remoteSpi, `seed ${seed}`)
    }
  },
)

t.test('the responder sends with new keys only after the initiator has installed them', async (t) => {
  const network = createTestNetwork()
  const [a, b] = [network.add(authority.issue()), network.add(authority.issue())]
  a.sessions.ensure(b.id)
  await network.until(() => b.ready.length === 1, { stepMs: 0 })
  t.same([a.ready.length, a.sending.length, b.sending.length], [0, 0, 0], 'the responder receives first')
  network.fate = (from) => (from === a.id && a.ready.length === 1 ? 0 : 1)
  await network.until(() => a.sending.length === 1, { stepMs: 0 })
  await network.settle()
  t.equal(b.sending.length, 0, 'without the confirmation it does not send')
  network.fate = () => 1
  await network.until(() => b.sending.length === 1)
})

t.test('a responder that is slow to install the keys keeps the initiator waiting', async (t) => {
  const network = createTestNetwork()
  const installed = Promise.withResolvers<void>()
  const a = network.add(authority.issue())
  const b = network.add(authority.issue(), { install: () => installed.promise })
  a.sessions.ensure(b.id)
  await network.until(() => b.ready.length === 1)
  await network.settle()
  t.same([a.ready.length, a.sending.length], [0, 0])
  installed.resolve()
  await network.until(() => a.sending.length === 1 && b.sending.length === 1)
})

t.test('a member that answers for another one is refused', async (t) => {
  const network = createTestNetwork()
  const [member, target] = [authority.issue(), authority.issue()]
  const a = network.add(member)
  const impostor = network.add({ id: target.id, tls: authority.issue().tls })
  a.sessions.ensure(target.id)
  await network.until(() => a.failed.length === 1)
  t.same(a.failed, ['SESSION_PEER_MISMATCH'])
  t.same([a.ready.length, impostor.sending.length], [0, 0])
})

t.test('a member of another mesh is refused, as initiator and as responder', async (t) => {
  const network = createTestNetwork()
  const foreign = createTestAuthority()
  const a = network.add(authority.issue())
  const stranger = network.add(foreign.issue())
  const spy = network.add(foreign.issue({ ca: authority.certificate }))
  a.sessions.ensure(stranger.id)
  spy.sessions.ensure(a.id)
  await network.until(() => a.failed.length > 0 && spy.failed.length > 0)
  t.same([a.failed[0], spy.failed[0]], ['SESSION_REFUSED', 'SESSION_REFUSED'])
  t.same([a.ready.length, stranger.ready.length, spy.sending.length], [0, 0, 0])
})

t.test('a name that verifyPeer does not believe ends the handshake with its code', async (t) => {
  const network = createTestNetwork()
  const b = network.add(authority.issue())
  const member = authority.issue()
  const verifyPeer = (): never => {
    throw new X0tError('SVID_BANNED', 'banned')
  }
  const a = network.add({ id: member.id, tls: { ...member.tls, verifyPeer } })
  a.sessions.ensure(b.id)
  await network.until(() => a.failed.length === 1)
  t.same(a.failed, ['SVID_BANNED'])
  await network.until(() => b.counts.has('session_handshakes_total responder SESSION_REFUSED'))
})

t.test('what the own check of the certificate says is the code of the failure', async (t) => {
  const network = createTestNetwork()
  const b = network.add(authority.issue())
  const { id, tls } = authority.issue()
  const { client, server } = tls.profile()
  const checkServerIdentity = (): Error => new X0tError('SVID_EXPIRED', 'expired')
  const profile = () => ({ server, client: { ...client, checkServerIdentity } })
  const a = network.add({ id, tls: { ...tls, profile } })
  a.sessions.ensure(b.id)
  await network.until(() => a.failed.length === 1)
  t.same(a.failed, ['SVID_EXPIRED'])
})

t.test('the suite is the one both prefer, and ChaCha20 where one prefers it', async (t) => {
  const cases = [
    [['aes-256-gcm', 'chacha20-poly1305'], ['aes-256-gcm', 'chacha20-poly1305'], 'aes-256-gcm'],
    [['aes-256-gcm', 'chacha20-poly1305'], ['chacha20-poly1305', 'aes-256-gcm'], 'chacha20-poly1305'],
    [['chacha20-poly1305', 'aes-256-gcm'], ['aes-256-gcm', 'chacha20-poly1305'], 'chacha20-poly1305'],
    [['chacha20-poly1305', 'aes-256-gcm'], ['aes-256-gcm'], 'aes-256-gcm'],
  ] as const
  for (const [ours, theirs, expected] of cases) {
    const network = createTestNetwork()
    const a = network.add(authority.issue(), { suites: ours })
    const b = network.add(authority.issue(), { suites: theirs })
    a.sessions.ensure(b.id)
    await network.until(() => a.sending.length === 1 && b.sending.length === 1)
    t.same([a.sending[0]!.suite, b.sending[0]!.suite], [expected, expected])
  }
  const network = createTestNetwork()
  const a = network.add(authority.issue(), { suites: ['aes-256-gcm'] })
  const b = network.add(authority.issue(), { suites: ['chacha20-poly1305'] })
  a.sessions.ensure(b.id)
  await network.until(() => b.counts.has('session_handshakes_total responder SESSION_NO_COMMON_SUITE'))
  await network.until(() => a.failed.length === 1)
  t.same([a.ready.length, b.ready.length], [0, 0])
})

t.test('whoever leaves the TLS profile is refused', async (t) => {
  const member = authority.issue()
  const honest = authority.issue()
  const { client, server } = member.tls.profile()
  const good = {
    ecdhCurve: 'X25519MLKEM768',
    sigalgs: 'mldsa65',
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['x0t-session/1'],
    checkServerIdentity: () => undefined,
  } as const
  const attempt = async (options: ConnectionOptions): Promise<unknown> => {
    const [left, right] = wirePair()
    const socket = connect({ ...client, ...good, ...options, socket: left })
    socket.on('error', () => {})
    const outcome = await openTlsChannel('responder', right, honest.tls).then(
      () => 'accepted',
      (error: X0tError) => error.code,
    )
    socket.destroy()
    return outcome
  }
  t.equal(await attempt({}), 'accepted', 'the profile itself')
  t.equal(await attempt({ ecdhCurve: 'X25519' }), 'SESSION_REFUSED', 'a classical group')
  t.equal(await attempt({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }), 'SESSION_REFUSED', 'TLS 1.2')
  t.equal(await attempt({ cert: '', key: '' }), 'SESSION_REFUSED', 'no certificate')
  t.equal(await attempt({ ALPNProtocols: ['x0t/1'] }), 'SESSION_REFUSED', 'another protocol')

  const answer = async (options: TlsOptions): Promise<unknown> => {
    const [left, right] = wirePair()
    const listener = createServer({ ...server, ...good, requestCert: true, ...options })
    listener.on('tlsClientError', () => {})
    listener.emit('connection', right)
    return openTlsChannel('initiator', left, honest.tls).then(
      (socket) => {
        socket.destroy()
        return 'accepted'
      },
      (error: X0tError) => error.code,
    )
  }
  t.equal(await answer({}), 'accepted')
  t.equal(await answer({ ecdhCurve: 'X25519' }), 'SESSION_REFUSED')
  t.equal(await answer({ ALPNProtocols: ['x0t/1'] }), 'SESSION_REFUSED')
  const { ALPNProtocols: _, ...silent } = good
  const [left, right] = wirePair()
  const listener = createServer({ ...server, ...silent, requestCert: true })
  listener.on('tlsClientError', () => {})
  listener.emit('connection', right)
  await t.rejects(
    openTlsChannel('initiator', left, honest.tls),
    { code: 'SESSION_REFUSED' },
    'no protocol named',
  )
  await nextTurn()
})
