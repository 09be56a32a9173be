import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { connect, createServer as createNetServer } from 'node:net'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentCounters, silentLog, X0tError, type Log } from '@x0t/core'
import fc from 'fast-check'
import t from 'tap'
import { createServer, openClient } from '../src/index.ts'
import { isServedHost } from '../src/host-header.ts'
import { lockStart } from '../src/start-lock.ts'
import { answers, startDaemon } from './support/node.ts'
import { rawRequest } from './support/raw-request.ts'

const http = { port: 0 }
const options = { log: silentLog, counters: silentCounters }

t.test('the socket is 0600 in a directory of 0700, and gone after disposal', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'x0t-api-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const socketPath = join(directory, 'home', 'x0t.sock')
  const umask = process.umask(0)
  const server = await createServer(answers, { socketPath, ...options })
  t.equal(process.umask(umask), 0, 'the umask of the process is as it was')
  t.equal((await stat(socketPath)).mode & 0o777, 0o600)
  t.equal((await stat(join(directory, 'home'))).mode & 0o777, 0o700)
  await server[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await t.rejects(stat(socketPath), { code: 'ENOENT' })
})

t.test('a second node on the same socket is refused with exit code 4, and the first goes on', async (t) => {
  await using daemon = await startDaemon()
  const { socketPath } = daemon
  const second = createServer(answers, { socketPath, ...options })
  await t.rejects(second, { code: 'NODE_ALREADY_RUNNING', exitCode: 4 })
  t.equal((await daemon.client.live()).status, 'alive')
})

t.test('of several nodes that start at once on a dead socket one wins', async (t) => {
  for (let round = 0; round < 5; round++) {
    const directory = await mkdtemp(join(tmpdir(), 'x0t-api-'))
    t.teardown(() => rm(directory, { recursive: true }))
    const socketPath = join(directory, 'x0t.sock')
    await leaveDeadSocket(socketPath)
    const results = await Promise.allSettled(
      Array.from({ length: 4 }, () => createServer(answers, { socketPath, ...options })),
    )
    const servers = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value)
    const refusals = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }) => reason as X0tError)
    t.equal(servers.length, 1, String(refusals.map(({ message }) => message)))
    t.ok(refusals.every(({ code }) => code === 'NODE_ALREADY_RUNNING'))
    t.equal((await openClient({ socketPath }).live()).status, 'alive')
    await servers[0]![Symbol.asyncDispose]()
  }
})

t.test('a node that starts meanwhile keeps the start to itself', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'x0t-api-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const socketPath = join(directory, 'x0t.sock')
  const lock = await lockStart(socketPath)
  await t.rejects(lockStart(socketPath, 30), { code: 'NODE_ALREADY_RUNNING', exitCode: 4 })
  lock[Symbol.dispose]()
  const again = await lockStart(socketPath, 0)
  again[Symbol.dispose]()
  await t.rejects(lockStart(join(directory, 'missing', 'x0t.sock'), 0), { code: 'ERR_SQLITE_ERROR' })
})

t.test('the socket of a killed node is replaced', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'x0t-api-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const socketPath = join(directory, 'x0t.sock')
  await leaveDeadSocket(socketPath)
  await t.rejects(openClient({ socketPath }).live(), { code: 'NO_DAEMON', exitCode: 4 })
  await using server = await createServer(answers, { socketPath, ...options })
  t.equal(server.socketPath, socketPath)
  t.equal((await openClient({ socketPath }).live()).status, 'alive')
})

t.test('nothing that is no socket is removed, and unsafe places are refused', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'x0t-api-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const file = join(directory, 'file')
  await writeFile(file, 'precious')
  await t.rejects(createServer(answers, { socketPath: file, ...options }), { code: 'SOCKET_PATH_INVALID' })
  t.equal((await stat(file)).size, 8)
  const link = join(directory, 'link')
  await symlink(file, link)
  await t.rejects(createServer(answers, { socketPath: link, ...options }), { code: 'SOCKET_PATH_INVALID' })
  const long = join(directory, 'x'.repeat(120))
  await t.rejects(createServer(answers, { socketPath: long, ...options }), { code: 'SOCKET_PATH_INVALID' })
  const open = join(directory, 'open')
  await mkdir(open)
  await chmod(open, 0o777)
  const unsafe = createServer(answers, { socketPath: join(open, 'x0t.sock'), ...options })
  await t.rejects(unsafe, { code: 'SOCKET_DIRECTORY_UNSAFE', hint: /chmod 700/ })
})

t.test('TCP serves health, metrics and mesh state, and nothing else', async (t) => {
  await using daemon = await startDaemon({}, { http })
  const { port } = daemon.server.http!
  t.equal(daemon.server.http!.host, '127.0.0.1')
  const get = (path: string) => rawRequest({ port, path })
  for (const path of [
    '/health',
    '/health/live',
    '/health/ready',
    '/mesh/status',
    '/mesh/peers',
    '/mesh/routes',
  ]) {
    const { status, headers, text } = await get(path)
    t.equal(status, 200, path)
    t.equal(headers['content-type'], 'application/json')
    t.notOk('access-control-allow-origin' in headers, 'no CORS')
    t.type(JSON.parse(text), 'object')
  }
  const metrics = await get('/metrics')
  t.equal(metrics.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.match(metrics.text, 'x0t_peers 1')
  for (const path of [
    '/v1/status',
    '/v1/peers',
    '/v1/events',
    '/v1/tokens',
    '/',
    '//',
    '/health/',
    '/%zz',
    '/metrics/x',
  ])
    t.equal((await get(path)).status, 404, path)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])
    t.equal((await rawRequest({ port, path: '/health', method })).status, 404, method)
  t.equal((await rawRequest({ port, path: '/v1/stop', method: 'POST' })).status, 404)
})

t.test(
  '/mesh answers 503 while the mesh is down, and /health/ready while the node is not ready',
  async (t) => {
    const down = (): never => {
      throw new X0tError('MESH_DOWN', 'the mesh does not run', { hint: 'x0t node status' })
    }
    await using daemon = await startDaemon(
      {
        meshStatus: down,
        peers: down,
        meshRoutes: down,
        ready: () => ({ status: 'not_ready', waiting_for: ['mesh'] }),
      },
      { http },
    )
    const { port } = daemon.server.http!
    for (const path of ['/mesh/status', '/mesh/peers', '/mesh/routes']) {
      const { status, text } = await rawRequest({ port, path })
      t.equal(status, 503, path)
      t.equal((JSON.parse(text) as { error: { code: string } }).error.code, 'MESH_DOWN')
    }
    const ready = await rawRequest({ port, path: '/health/ready' })
    t.same([ready.status, JSON.parse(ready.text)], [503, { status: 'not_ready', waiting_for: ['mesh'] }])
  },
)

t.test('a page that rebinds its name to this machine gets nothing', async (t) => {
  await using daemon = await startDaemon({}, { http: { port: 0, allowedHosts: ['metrics.lan'] } })
  const { port } = daemon.server.http!
  const status = async (host: string): Promise<number> =>
    (await rawRequest({ port, path: '/health', setHost: false, headers: host === '' ? {} : { host } })).status
  for (const host of [
    `127.0.0.1:${port}`,
    '127.0.0.1',
    'localhost:8080',
    'LOCALHOST',
    '[::1]:8080',
    '192.0.2.1:80',
    'metrics.lan',
  ])
    t.equal(await status(host), 200, host)
  for (const host of [
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'metrics.lan.',
    '[::zz]',
    'a b',
  ])
    t.not(await status(host), 200, host)
  t.not(await status(''), 200, 'no Host header')
  t.end()
})

t.test('only addresses, localhost and allowed names are hosts, whatever the header says', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.domain(), fc.webAuthority()), (header) => {
      const name = header.replace(/:\d+$/, '').toLowerCase()
      const isAddress = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/.test(name)
      return !isServedHost(header, []) || isAddress || name === 'localhost'
    }),
    { seed: 8080, numRuns: 1000 },
  )
  t.notOk(isServedHost(undefined, []))
  t.end()
})

t.test('bodies that are too large, of another type or no JSON object are refused', async (t) => {
  await using daemon = await startDaemon()
  const post = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    rawRequest({ socketPath: daemon.socketPath, path: '/v1/ban', method: 'POST', headers }, body)
  const code = async (answer: ReturnType<typeof post>): Promise<unknown> => {
    const { status, text } = await answer
    return [status, (JSON.parse(text) as { error: { code: string } }).error.code]
  }
  t.same(await code(post('{"node":"beta"}', {})), [400, 'REQUEST_INVALID'])
  t.same(await code(post('{"node":"beta"}', { 'content-type': 'text/plain' })), [400, 'REQUEST_INVALID'])
  for (const body of ['{', '[]', 'null', '"x"', '7', '{"__proto__":{"node":"beta"}}'])
    t.same(await code(post(body)), [400, 'REQUEST_INVALID'], body)
  const large = Buffer.from(JSON.stringify({ node: 'x'.repeat(70_000) }))
  const announced = { 'content-type': 'application/json', 'content-length': String(large.length) }
  t.same(await code(post(large.toString(), announced)), [413, 'REQUEST_TOO_LARGE'])
  const chunked = post(large.toString(), {
    'content-type': 'application/json',
    'transfer-encoding': 'chunked',
  })
  await chunked.then(
    ({ status }) => t.equal(status, 413),
    (error: NodeJS.ErrnoException) => t.match(error.code, /ECONNRESET|EPIPE/),
  )
  t.equal((await daemon.client.live()).status, 'alive', 'the daemon goes on')
  const header = await rawRequest({
    socketPath: daemon.socketPath,
    path: '/health',
    headers: { x: 'y'.repeat(9000) },
  })
  t.equal(header.status, 431)
})

t.test('a port in use is named, and the socket is given back', async (t) => {
  const busy = createNetServer()
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void busy.close())
  const { port } = busy.address() as { port: number }
  const directory = await mkdtemp(join(tmpdir(), 'x0t-api-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const socketPath = join(directory, 'x0t.sock')
  const taken = createServer(answers, { socketPath, http: { port }, ...options })
  await t.rejects(taken, { code: 'HTTP_PORT_TAKEN', message: `another program listens on 127.0.0.1:${port}` })
  await t.rejects(stat(socketPath), { code: 'ENOENT' })
})

t.test(
  'a client that says rubbish or hangs up leaves the daemon unharmed, and bugs are logged',
  async (t) => {
    const logged: unknown[] = []
    const log: Log = { ...silentLog, error: (event, fields) => void logged.push([event, fields?.['route']]) }
    const { promise: called, resolve: call } = Promise.withResolvers<void>()
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>()
    await using daemon = await startDaemon(
      {
        peers: (_request, { signal }) => {
          signal.addEventListener('abort', () => abort())
          call()
          return new Promise(() => {})
        },
        status() {
          throw new TypeError('a bug')
        },
        async *events() {
          yield { atMs: 1, level: 'info', event: 'x', fields: {} }
          throw new TypeError('a bug in a stream')
        },
      },
      { http, log },
    )
    const rubbish = connect(daemon.server.http!.port, '127.0.0.1')
    rubbish.end('\0\0\0 rubbish\r\n\r\n')
    rubbish.resume()
    await once(rubbish, 'close')
    const impatient = connect(daemon.socketPath)
    impatient.write('GET /v1/peers HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await called
    impatient.destroy()
    await aborted
    t.pass('the handler is told that its client hung up')
    await t.rejects(daemon.client.status(), { code: 'DAEMON_FAILED' })
    await t.rejects(
      async () => {
        for await (const _ of daemon.client.events());
      },
      { code: 'DAEMON_FAILED' },
    )
    t.same(logged, [
      ['api-failed', 'status'],
      ['api-failed', 'events'],
    ])
    t.equal((await daemon.client.live()).status, 'alive')
  },
)

t.test('disposal lets an answer under way finish', async (t) => {
  const { promise: called, resolve: call } = Promise.withResolvers<void>()
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  await using daemon = await startDaemon({
    async stop() {
      call()
      await held
      return { stopping: true }
    },
  })
  const answer = daemon.client.stop()
  await called
  const closed = daemon.server[Symbol.asyncDispose]()
  release()
  t.same(await answer, { stopping: true })
  await closed
})

/** A socket file on which nobody listens, as a killed process leaves it. */
async function leaveDeadSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
  await once(child, 'exit')
}
