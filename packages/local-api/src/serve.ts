import type { Server } from 'node:http'
import { hasCode, X0tError } from '@x0t/core'
import { createDispatch, type AnyHandler, type DispatchOptions } from './dispatch.ts'
import { isServedHost } from './host-header.ts'
import { loadRoutes } from './route-table.ts'
import type { Handlers, LocalServer, ServerOptions } from './server.ts'
import { alreadyRunning, claimSocketPath } from './socket-file.ts'

/** The work of `createServer`; apart from it, so that a client need not load it. */
export async function serve(handlers: Handlers, options: ServerOptions): Promise<LocalServer> {
  const { socketPath, http, log, counters, handlerTimeoutMs = 30_000 } = options
  await using stack = new AsyncDisposableStack()
  const closing = new AbortController()
  const shared = {
    handlers: handlers as Readonly<Record<string, AnyHandler>>,
    closing: closing.signal,
    handlerTimeoutMs,
    log,
    counters,
  }
  const onSocket = await listenOnSocket(
    { ...shared, table: await loadRoutes('socket'), admit: () => {} },
    socketPath,
  )
  stack.defer(() => close(onSocket, closing))
  let address: LocalServer['http']
  if (http !== undefined) {
    const { host = '127.0.0.1', port = 8080, allowedHosts = [] } = http
    const admit: DispatchOptions['admit'] = (request) => {
      if (!isServedHost(request.headers.host, allowedHosts))
        throw new X0tError('HOST_REFUSED', 'the Host header names neither an address nor an allowed host')
    }
    const table = await loadRoutes('public')
    const onTcp = await listen({ ...shared, table, admit }, { host, port })
    stack.defer(() => close(onTcp, closing))
    const bound = onTcp.address()
    address = { host, port: bound !== null && typeof bound === 'object' ? bound.port : port }
  }
  log.info('api-listening', { socket: socketPath, ...address })
  const resources = stack.move()
  return { socketPath, http: address, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

async function listenOnSocket(dispatch: DispatchOptions, path: string): Promise<Server> {
  using locks = new DisposableStack()
  locks.use(await claimSocketPath(path))
  return await listen(dispatch, { path })
}

async function listen(
  dispatch: DispatchOptions,
  at: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<Server> {
  const { createServer: createHttpServer } = await import('node:http')
  const answerTo = createDispatch(dispatch)
  const server = createHttpServer(
    { maxHeaderSize: 8 * 1024, headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 },
    (request, response) => void answerTo(request, response),
  )
  server.maxConnections = 64
  // Nobody on TCP may hold a connection without reading; streams live on the socket only.
  if ('port' in at) server.setTimeout(dispatch.handlerTimeoutMs + 5_000)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, at)))
    withUmask(0o177, () => server.listen(at, resolve))
  })
  server.on('error', (error) => dispatch.log.warn('api-listener', { reason: error.message }))
  return server
}

/** The socket is 0600 from its first moment: `listen` binds before it returns. */
function withUmask(mask: number, run: () => void): void {
  const previous = process.umask(mask)
  try {
    run()
  } finally {
    process.umask(previous)
  }
}

function listenError(
  error: Error,
  at: { readonly path: string } | { readonly host: string; readonly port: number },
): Error {
  if (!hasCode(error, 'EADDRINUSE')) return error
  if ('path' in at) return alreadyRunning(at.path)
  return new X0tError('HTTP_PORT_TAKEN', `another program listens on ${at.host}:${at.port}`, {
    cause: error,
    hint: 'set another HTTP port for this node, or switch its HTTP listener off',
  })
}

/** Answers under way finish; after `graceMs` their connections are cut. */
async function close(server: Server, closing: AbortController, graceMs = 2_000): Promise<void> {
  closing.abort()
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(cut)
}
