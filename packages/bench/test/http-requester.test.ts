import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { systemClock } from '@x0t/core'
import t, { type Test } from 'tap'
import { createRequester, failureOf, type RequesterOptions } from '../src/http/requester.ts'

async function listen(t: Test, server: Server): Promise<URL> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

function requester(t: Test, url: URL, options: Partial<RequesterOptions> = {}) {
  const one = createRequester({
    url,
    timeoutMs: 10_000,
    newConnections: false,
    clock: systemClock,
    ...options,
  })
  t.teardown(() => one[Symbol.asyncDispose]())
  return one
}

const web = (t: Test, listener: RequestListener): Promise<URL> => listen(t, createServer(listener))

t.test('a good answer has its times in order and its bytes', async (t) => {
  const url = await web(t, (_, response) => response.end('hello'))
  const { startMs, firstByteMs, endMs, bytes, failure } = await requester(t, url).send()
  t.equal(failure, undefined)
  t.equal(bytes, 5)
  t.ok(startMs <= firstByteMs! && firstByteMs! <= endMs)
})

t.test('the status decides', async (t) => {
  const url = await web(t, (_, response) => response.writeHead(418).end())
  t.match(await requester(t, url).send(), { failure: 'status-418' })
  t.equal((await requester(t, url, { expectStatus: 418 }).send()).failure, undefined)
  t.match(await requester(t, url, { expectStatus: 200 }).send(), { failure: 'status-418' })
})

t.test('failures are told apart', async (t) => {
  const closed = await listen(t, createTcpServer())
  const port = Number(closed.port)
  const { promise, resolve } = Promise.withResolvers<void>()
  const spare = createTcpServer().listen(0, '127.0.0.1', resolve)
  await promise
  const unused = (spare.address() as AddressInfo).port
  await new Promise((done) => spare.close(done))
  t.match(await requester(t, new URL(`http://127.0.0.1:${unused}/`)).send(), { failure: 'refused' })
  t.match(await requester(t, new URL(`http://127.0.0.1:${port}/`), { timeoutMs: 50 }).send(), {
    failure: 'timeout',
  })
  const reset = await listen(
    t,
    createTcpServer((socket) => socket.resetAndDestroy()),
  )
  t.match(await requester(t, reset).send(), { failure: 'reset' })
  const short = await web(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('part')
    setTimeout(() => response.destroy(), 20)
  })
  t.match(await requester(t, short).send(), { failure: 'truncated', bytes: 4 })
  const slowBody = await web(t, (_, response) => void response.write('and then nothing'))
  t.match(await requester(t, slowBody, { timeoutMs: 100 }).send(), { failure: 'timeout' })
  const noise = await listen(
    t,
    createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')),
  )
  t.match(await requester(t, noise).send(), { failure: 'not-http' })
  const plain = await web(t, (_, response) => response.end())
  t.match(await requester(t, new URL(plain.href.replace('http:', 'https:'))).send(), { failure: 'tls' })
})

t.test('errors have a kind by their code', async (t) => {
  const error = (code: string): Error => Object.assign(new Error(code), { code })
  t.equal(failureOf(error('EHOSTUNREACH'), false), 'unreachable')
  t.equal(failureOf(error('ENOTFOUND'), false), 'name')
  t.equal(failureOf(error('CERT_HAS_EXPIRED'), false), 'tls')
  t.equal(failureOf(error('ECONNRESET'), true), 'truncated')
  t.equal(failureOf(new AggregateError([error('EACCES'), error('ECONNREFUSED')]), false), 'refused')
  t.equal(failureOf(new Error('no code'), false), 'other')
})

t.test('a kept connection that the server closed is no failure of the service', async (t) => {
  let connections = 0
  // Closes each connection when a second request comes on it: what an idle time-out does at the worst moment.
  const url = await listen(
    t,
    createTcpServer((socket) => {
      connections++
      let requests = 0
      socket.on('data', () => {
        if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
        else socket.resetAndDestroy()
      })
    }),
  )
  const one = requester(t, url)
  for (let at = 0; at < 4; at++) t.equal((await one.send()).failure, undefined, `request ${at}`)
  t.equal(connections, 4)
})

t.test('connections are kept, or new where asked', async (t) => {
  let connections = 0
  const server = createServer((_, response) => response.end())
  server.on('connection', () => connections++)
  const url = await listen(t, server)
  const kept = requester(t, url)
  for (let at = 0; at < 3; at++) await kept.send()
  t.equal(connections, 1)
  const anew = requester(t, url, { newConnections: true })
  for (let at = 0; at < 3; at++) await anew.send()
  t.equal(connections, 4)
})

t.test('what is under way ends when the requester is disposed', async (t) => {
  const url = await web(t, () => undefined)
  const one = requester(t, url)
  const answer = one.send()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await one[Symbol.asyncDispose]()
  t.match(await answer, { failure: 'ended' })
})
