import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X0tError } from '@x0t/core'
import t from 'tap'
import { z } from 'zod'
import { healthReport, openClient, routes, type RouteName } from '../src/index.ts'
import { answers, other, startDaemon } from './support/node.ts'

t.test('every route gives the client what its handler answered', async (t) => {
  await using daemon = await startDaemon()
  const { client } = daemon
  const simple = [
    'status',
    'config',
    'stop',
    'metrics',
    'peers',
    'meshStatus',
    'meshMap',
    'meshRoutes',
    'tokens',
    'bans',
  ] as const
  for (const name of simple)
    t.same(await client[name](), await answers[name]({}, { signal: new AbortController().signal }), name)
  for (const name of ['health', 'live', 'ready'] as const)
    t.same(await client[name](), await answers[name]({}, { signal: new AbortController().signal }), name)
  t.same(await client.logLevel({ level: 'debug' }), { level: 'debug' })
  t.equal((await client.trace({ to: 'beta' })).name, 'beta')
  t.match(await client.paths({ to: 'beta' }), {
    asked: 2,
    by: 'node',
    paths: [{ uses: ['shortest', 'red'] }],
  })
  t.match(await client.paths({ to: 'beta', count: 3, by: 'link' }), { asked: 3, by: 'link' })
  t.equal((await client.invite()).token, 'x0t-join-any')
  t.equal((await client.invite({ name: 'gamma', ttlMs: 60_000 })).token, 'x0t-join-gamma')
  t.same(await client.revokeToken({ id: 'a/b c?d' }), { id: 'a/b c?d' }, 'any id survives the path')
  t.same(await client.ban({ node: 'beta', reason: 'stolen' }), {
    id: other,
    name: 'beta',
    reason: 'stolen',
    bannedAtMs: 5,
  })
  t.same(await client.unban({ node: 'beta' }), { id: other })
})

t.test('events arrive one by one, while the stream is open', async (t) => {
  const { promise: second, resolve: letSecond } = Promise.withResolvers<void>()
  let ended = false
  await using daemon = await startDaemon({
    async *events(_request, { signal }) {
      try {
        yield { atMs: 1, level: 'info', event: 'first', fields: {} }
        await second
        yield { atMs: 2, level: 'info', event: 'second', fields: { text: 'line\nbreak' } }
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      } finally {
        ended = true
      }
    },
  })
  const seen: string[] = []
  for await (const { event, fields } of daemon.client.events()) {
    seen.push(event)
    if (event === 'first') letSecond()
    else {
      t.equal(fields['text'], 'line\nbreak')
      break
    }
  }
  t.same(seen, ['first', 'second'])
  await daemon[Symbol.asyncDispose]()
  t.ok(ended, 'the handler is told that the client has gone')
})

t.test('a stream ends with the server, and by the signal of the caller', async (t) => {
  const endless = {
    async *events(_request: object, { signal }: { signal: AbortSignal }) {
      yield { atMs: 1, level: 'info' as const, event: 'first', fields: {} }
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  }
  await using daemon = await startDaemon(endless)
  let lines = 0
  const abort = new AbortController()
  const reason = new X0tError('INTERRUPTED', 'by the user')
  await t.rejects(async () => {
    for await (const _ of daemon.client.events({}, { signal: abort.signal })) abort.abort(reason)
  }, reason)
  for await (const _ of daemon.client.events()) {
    lines++
    void daemon.server[Symbol.asyncDispose]()
  }
  t.equal(lines, 1)
})

t.test('a slow reader of events holds the source back, and loses nothing', async (t) => {
  const total = 400
  let produced = 0
  await using daemon = await startDaemon({
    async *events() {
      for (; produced < total; produced++)
        yield { atMs: produced, level: 'info', event: 'bulk', fields: { text: 'x'.repeat(20_000) } }
    },
  })
  let received = 0
  for await (const { atMs } of daemon.client.events()) {
    if (received === 0) {
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
      t.ok(produced < total, `the source waits after ${produced} of ${total}`)
    }
    t.equal(atMs, received++)
  }
  t.equal(received, total)
})

t.test('an error of the daemon reaches the caller with code, message, hint and exit code', async (t) => {
  await using daemon = await startDaemon({
    ban() {
      throw new X0tError('NODE_UNKNOWN', 'no member is called zeta', { hint: 'x0t node peers', exitCode: 2 })
    },
    invite: () => Promise.reject(new X0tError('NOT_AUTHORITY', 'this node holds no authority')),
    meshRoutes() {
      throw new X0tError('MESH_DOWN', 'the mesh does not run')
    },
    status() {
      throw new TypeError('a bug')
    },
    events() {
      throw new X0tError('EVENTS_OFF', 'not today', { exitCode: 3 })
    },
  })
  const { client } = daemon
  const ban = client.ban({ node: 'zeta' })
  await t.rejects(ban, {
    code: 'NODE_UNKNOWN',
    message: 'no member is called zeta',
    hint: 'x0t node peers',
    exitCode: 2,
  })
  await t.rejects(client.invite(), { code: 'NOT_AUTHORITY', hint: undefined, exitCode: 1 })
  await t.rejects(client.meshRoutes(), { code: 'MESH_DOWN' })
  await t.rejects(client.status(), { code: 'DAEMON_FAILED', message: 'a bug' })
  await t.rejects(client.events()[Symbol.asyncIterator]().next(), { code: 'EVENTS_OFF', exitCode: 3 })
})

t.test('/health/ready answers, and does not fail, while the node is not ready', async (t) => {
  await using daemon = await startDaemon({ ready: () => ({ status: 'not_ready', waiting_for: ['svid'] }) })
  t.same(await daemon.client.ready(), { status: 'not_ready', waiting_for: ['svid'] })
})

t.test('a request that does not fit its schema is refused before the handler sees it', async (t) => {
  let called = false
  await using daemon = await startDaemon({
    ban(request) {
      called = true
      return { id: other, name: null, reason: request.reason ?? '', bannedAtMs: 1 }
    },
  })
  const { client } = daemon
  const wrong = [{ node: '' }, { node: 'x'.repeat(200) }, { node: 5 }, {}, { node: 'beta', extra: 1 }]
  for (const request of wrong)
    await t.rejects(
      client.ban(request as never),
      { code: 'REQUEST_INVALID', exitCode: 2 },
      JSON.stringify(request),
    )
  await t.rejects(client.status({ extra: 1 } as never), { code: 'REQUEST_INVALID' })
  t.notOk(called)
})

t.test('what a handler answers beyond its schema does not leave the daemon', async (t) => {
  await using daemon = await startDaemon({
    unban: () => ({ id: other, secret: 'x' }) as never,
    bans: () => ({ bans: 'none' }) as never,
  })
  t.same(await daemon.client.unban({ node: 'beta' }), { id: other })
  await t.rejects(daemon.client.bans(), { code: 'DAEMON_FAILED', message: /does not fit its schema/ })
})

t.test('without a daemon the client says so with exit code 4', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'x0t-api-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const client = openClient({ socketPath: join(directory, 'x0t.sock') })
  await t.rejects(client.status(), { code: 'NO_DAEMON', exitCode: 4, hint: 'x0t node start' })
  await t.rejects(client.events()[Symbol.asyncIterator]().next(), { code: 'NO_DAEMON', exitCode: 4 })
})

t.test('a handler that hangs ends in DAEMON_TIMEOUT, at the server or at the client', async (t) => {
  const hang = () => new Promise<never>(() => {})
  await using daemon = await startDaemon({ peers: hang }, { handlerTimeoutMs: 20 })
  await t.rejects(daemon.client.peers(), { code: 'DAEMON_TIMEOUT', message: /within 20 ms/ })
  await using patient = await startDaemon({ peers: hang })
  const client = openClient({ socketPath: patient.socketPath, timeoutMs: 20 })
  await t.rejects(client.peers(), { code: 'DAEMON_TIMEOUT' })
  const signal = AbortSignal.abort(new X0tError('INTERRUPTED', 'by the user'))
  await t.rejects(patient.client.peers({}, { signal }), { code: 'INTERRUPTED' })
})

t.test('the client refuses what is no daemon of its version', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'x0t-api-'))
  const socketPath = join(directory, 'other.sock')
  let headers: Record<string, string> = {}
  let status = 200
  let body = ''
  let cut = false
  const server = createHttpServer((_request, response) => {
    response.writeHead(status, headers)
    if (cut) {
      response.write(body)
      setImmediate(() => response.destroy())
    } else response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  t.teardown(async () => {
    server.close()
    await rm(directory, { recursive: true })
  })
  const client = openClient({ socketPath })
  await t.rejects(client.status(), { code: 'DAEMON_INCOMPATIBLE', message: /unknown/ })
  headers = { 'x0t-api': '2' }
  await t.rejects(client.events()[Symbol.asyncIterator]().next(), { code: 'DAEMON_INCOMPATIBLE' })
  headers = { 'x0t-api': '1' }
  body = 'no json'
  await t.rejects(client.status(), { code: 'DAEMON_FAILED', message: /no JSON/ })
  for (const [code, content] of [
    [500, '{}'],
    [409, '{"error":7}'],
    [400, '[]'],
    [503, '{"error":{"code":1}}'],
  ] as const) {
    status = code
    body = content
    await t.rejects(client.status(), { code: 'DAEMON_FAILED', message: /without a reason/ }, content)
  }
  status = 400
  body = '{"error":{"code":"ODD","message":"m","exitCode":900}}'
  await t.rejects(
    client.status(),
    { code: 'ODD', exitCode: 1 },
    'an exit code out of range is not taken over',
  )
  status = 200
  cut = true
  await t.rejects(client.status(), { code: 'DAEMON_FAILED', message: /broke/ })
  await t.rejects(
    async () => {
      body = 'x'.repeat(2_000_000)
      for await (const _ of client.events()) t.fail('no line was sent')
    },
    { code: 'DAEMON_FAILED' },
  )
})

t.test('each route has schemas that can be written down as JSON Schema', async (t) => {
  for (const name of Object.keys(routes) as RouteName[]) {
    const { request, response } = await routes[name].schemas()
    for (const schema of [request, response]) t.type(z.toJSONSchema(schema)['$schema'], 'string', name)
  }
})

t.test('health is ok only if every component works and nothing is critical', (t) => {
  const facts = {
    version: '1',
    components: { mesh: true, tun: true },
    dependencies: {},
    criticalIssues: [],
    warnings: ['w'],
  }
  const good = healthReport(facts)
  t.same([good.status, good.component_stats], ['ok', { active: 2, total: 2, percentage: 100 }])
  const half = healthReport({ ...facts, components: { mesh: true, tun: false, dns: false } })
  t.same([half.status, half.component_stats], ['degraded', { active: 1, total: 3, percentage: 33.3 }])
  t.equal(healthReport({ ...facts, criticalIssues: ['clock'] }).status, 'degraded')
  t.equal(healthReport({ ...facts, components: {} }).component_stats.percentage, 100)
  t.end()
})
