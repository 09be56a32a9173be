import t from 'tap'
import { createAuthority, createJoinToken } from '@x0t/identity'
import { systemClock as clock, systemRandom as random } from '@x0t/core'
import { clockOff, createLoopbackNet, until, type LoopbackNode } from './loopback-nodes.ts'

const net = createLoopbackNet()
t.teardown(() => net[Symbol.asyncDispose]())
t.setTimeout(90_000)

// A line: a knows b, b knows a and c, and nobody else knows where c or a is, since loopback is not told to others.
const [a, b] = [net.node('a'), net.node('b')]
const c = net.node('c', { flags: { 'tunnel.carrier': 'tls' } })
const line = [a, b, c]
const lineRoutes = [
  { b: 1, c: 2 },
  { a: 1, c: 1 },
  { a: 2, b: 1 },
]

const invite = async (through: LoopbackNode): Promise<string> =>
  (await a.client.invite({ addresses: [through.address] })).token
const idOf = async (node: LoopbackNode): Promise<string> => (await node.client.status()).id
const names = async (node: LoopbackNode): Promise<string> =>
  (await node.client.meshMap()).nodes
    .map(({ name }) => name)
    .toSorted((one, other) => one.localeCompare(other))
    .join(' ')
const sees = (node: LoopbackNode, expected: Readonly<Record<string, number>>): Promise<unknown> =>
  until(`${node.name} has routes ${JSON.stringify(expected)}`, async () => {
    const { routes } = await node.client.meshRoutes()
    return (
      routes.length === Object.keys(expected).length &&
      routes.every((route) => expected[route.name] === route.hops)
    )
  })
const lineIsWhole = (): Promise<unknown> =>
  Promise.all(line.map((node, index) => sees(node, lineRoutes[index]!)))

await t.test('a mesh of one is made once, started once, and knows no address to invite to', async (t) => {
  await t.rejects(a.start(), { code: 'NODE_NOT_MADE' })
  const made = await a.init()
  t.match(made, { created: true, spiffeId: `spiffe://loop.x0t/node/${made.nodeId}` })
  t.match(await a.init(), { created: false, nodeId: made.nodeId })
  await a.start()
  t.match(await a.client.status(), { id: made.nodeId, name: 'a', mesh: 'loop', role: 'authority', peers: 0 })
  t.match(await a.client.health(), { status: 'ok' })
  t.match(await a.client.ready(), { status: 'ready' })
  await t.rejects(a.start(), { code: 'NODE_ALREADY_RUNNING', exitCode: 4 })
  t.match(await a.client.live(), { status: 'alive' }, 'the first one was not disturbed')
  await t.rejects(a.client.invite({}), { code: 'NO_ADDRESS' })
  await t.rejects(a.client.invite({ addresses: ['nowhere'] }), { code: 'CONTROL_ADDRESS_INVALID' })
  await t.rejects(a.client.invite({ addresses: [a.address], name: 'not a name' }), {
    code: 'REQUEST_INVALID',
  })
})

await t.test('nodes join through the authority and through a member that is not it', async (t) => {
  const token = await invite(a)
  const joined = await b.join(token)
  t.match(await a.client.tokens(), { tokens: [{ state: 'used', usedBy: joined.nodeId }] })
  await t.rejects(b.join(token), { code: 'NODE_IS_MEMBER' })
  // No bootstrap is configured: b knows a by the address in its token alone.
  await b.start()
  await sees(b, { a: 1 })
  await t.rejects(c.join(token), { code: 'TOKEN_USED' })
  await c.join(await invite(b))
  await c.start()
  await lineIsWhole()
  for (const node of line) t.equal(await names(node), 'a b c')
  t.match(
    await a.client.paths({ to: 'c' }),
    {
      paths: [{ path: [await idOf(b), await idOf(c)], hops: 2 }],
      cut: { nodes: [await idOf(b)], links: [] },
    },
    'one way to c, for all of them need b',
  )
  await t.rejects(a.client.paths({ to: 'a' }), { code: 'PATHS_TO_SELF' })
})

await t.test(
  'a token that is used, revoked, past its end, altered or of another mesh lets nobody in',
  async (t) => {
    const stranger = net.node('stranger')
    const { id, token } = await a.client.invite({ addresses: [b.address] })
    await a.client.revokeToken({ id })
    await t.rejects(a.client.revokeToken({ id }), { code: 'TOKEN_UNKNOWN' })
    await t.rejects(stranger.join(token), { code: 'TOKEN_REVOKED' })
    const open = await invite(b)
    const altered = `${open.slice(0, 30)}${open[30] === 'a' ? 'b' : 'a'}${open.slice(31)}`
    await t.rejects(stranger.join(altered), { code: 'TOKEN_TAMPERED' })
    await t.rejects(stranger.join(open.slice(0, 64)), { code: /^TOKEN_/ })
    await t.rejects(stranger.join('not a token'), { code: 'TOKEN_MALFORMED' })
    const late = net.node('late', { clock: clockOff(() => 7_200_000) })
    await t.rejects(late.join(open), { code: 'TOKEN_EXPIRED' })
    const short = await a.client.invite({ addresses: [b.address], ttlMs: 1 })
    const early = net.node('early', { clock: clockOff(() => -60_000) })
    await t.rejects(early.join(short.token), { code: 'TOKEN_EXPIRED' }, 'the clock of the authority counts')
    const foreign = createJoinToken({
      authority: createAuthority({ meshName: 'loop', random, clock }),
      addresses: [b.address],
      ttlMs: 60_000,
      clock,
      random,
    })
    // Who answers is not of the mesh that the token names: not a byte of the request is sent.
    await t.rejects(stranger.join(foreign.text), { code: 'SVID_WRONG_AUTHORITY' })
    await t.rejects(stranger.join(open, { via: c.address.replace('7800', '9') }), {
      code: 'ENROL_UNREACHABLE',
    })
    t.match((await a.client.tokens()).tokens.map(({ state }) => state).toSorted(), [
      'expired',
      'open',
      'revoked',
      'used',
      'used',
    ])
    const [nobody, noOther] = ['9', '10'].map((port) => b.address.replace('7800', port)) as [string, string]
    const lost = await a.client.invite({ addresses: [nobody, noOther] })
    await t.rejects(stranger.join(lost.token), { code: 'JOIN_UNREACHABLE', message: /:9[^]*:10/ })
    await a.client.revokeToken({ id: lost.id })
    await t.rejects(b.client.tokens(), { code: 'NOT_THE_AUTHORITY' })
    await t.rejects(b.client.ban({ node: 'c' }), { code: 'NOT_THE_AUTHORITY' })
  },
)

await t.test('routes, trace, peers and metrics tell of one and the same line', async (t) => {
  t.match(await a.client.trace({ to: 'c' }), {
    to: await idOf(c),
    reached: true,
    hops: [
      { name: 'b', rttUs: Number },
      { name: 'c', rttUs: Number },
    ],
  })
  t.match(await a.client.trace({ to: 'a' }), { reached: true, hops: [] })
  await t.rejects(a.client.trace({ to: 'nobody' }), { code: 'NODE_NOT_FOUND' })
  t.match(await b.client.meshStatus(), { mesh: 'loop', nodes: 3, peers: 2, routes: 2 })
  const peers = await until('both links of b are measured', async () => {
    const found = (await b.client.peers()).peers
    return found.every(({ rttMs, tx }) => rttMs !== null && tx.bytesPerSecond > 0) && found
  })
  const carriers = Object.fromEntries(peers.map(({ name, carrier }) => [name, carrier]))
  t.strictSame(carriers, { a: 'udp', c: 'tls' }, 'one end that is set to TLS is enough')
  t.match(await b.client.status(), { role: 'member', tun: { state: 'absent', reason: /switched off/ } })
  const text = await b.client.metrics()
  t.match(text, /^x0tta6bl4_mesh_peers_connected 2$/m)
  t.match(text, /^x0tta6bl4_mesh_hop_count\{peer="[^"]+"\} 1$/m)
  t.match(text, /^x0tta6bl4_mesh_bandwidth_bytes_total\{peer="[^"]+",direction="tx"\} [1-9]/m)
  t.match(text, /^x0tta6bl4_node_health_status 1$/m)
})

await t.test('the API shows settings with their origins and changes the level of the log', async (t) => {
  const { settings } = await c.client.config()
  t.match(
    settings.find(({ name }) => name === 'tunnel.carrier'),
    { value: 'tls', source: 'flag' },
  )
  t.match(await c.client.logLevel({ level: 'debug' }), { level: 'debug' })
  const seen: string[] = []
  for await (const { event, level } of a.client.events()) {
    seen.push(`${level} ${event}`)
    if (event === 'link-up') break
  }
  t.ok(seen.includes('info neighbour-up'), seen.join(', '))
})

await t.test(
  'a node that was made in between goes by the name in its token, or by the one chosen for it',
  async (t) => {
    const named = net.node('hostname', { isUnnamed: true })
    const through = [b.address.replace('7800', '9'), b.address]
    const { token } = await a.client.invite({ addresses: through, name: 'kitchen' })
    await named.join(token)
    await named.start()
    t.match(await named.client.status(), { name: 'kitchen' }, 'nothing else was chosen')
    await until('a knows it by that name', async () => (await names(a)) === 'a b c kitchen')
    await named.stop()

    const picked = net.node('picked')
    const other = await a.client.invite({ addresses: [b.address], name: 'other' })
    const { nodeId } = await picked.join(other.token, { isNameChosen: true })
    t.match(await a.client.ban({ node: 'picked' }), { id: nodeId, name: 'picked' })
    await a.client.unban({ node: 'picked' })
  },
)

await t.test('a ban takes a node out everywhere, outlives all restarts, and can be lifted', async (t) => {
  const [idA, idC] = [await idOf(a), await idOf(c)]
  await t.rejects(a.client.ban({ node: 'a' }), { code: 'BAN_SELF' })
  await t.rejects(a.client.unban({ node: 'c' }), { code: 'NODE_NOT_BANNED' })
  t.match(await a.client.ban({ node: 'c', reason: 'lost' }), { id: idC, name: 'c', reason: 'lost' })
  await Promise.all([sees(a, { b: 1 }), sees(b, { a: 1 }), sees(c, {})])
  t.match(await b.client.bans(), { bans: [{ id: idC, reason: 'lost' }] })
  await Promise.all(line.map((node) => node.stop()))
  for (const node of line) await node.start()
  await Promise.all([sees(a, { b: 1 }), sees(b, { a: 1 })])
  t.match(await b.client.bans(), { bans: [{ id: idC, reason: 'lost' }] })
  t.strictSame((await c.client.meshRoutes()).routes, [])
  t.match(await a.client.unban({ node: idC }), { id: idC })
  await lineIsWhole()
  t.strictSame((await b.client.bans()).bans, [])
  t.equal(await idOf(a), idA)
})

await t.test('stop ends a node by way of its API', async (t) => {
  await c.stop()
  const node = await c.start()
  t.strictSame(await c.client.stop(), { stopping: true })
  await node.done
  await c.stop()
  await t.rejects(c.client.status(), { code: 'NO_DAEMON' })
})
