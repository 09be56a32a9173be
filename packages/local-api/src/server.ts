import type { Server } from 'node:http'
import { hasCode, X0tError, type Counters, type Log } from '@x0t/core'
import { createDispatch, type AnyHandler, type DispatchOptions } from './dispatch.ts'
import { isServedHost } from './host-header.ts'
import { loadRoutes } from './route-table.ts'
import type { KindOf, RequestOf, ResponseOf, RouteName } from './routes.ts'
import { alreadyRunning, claimSocketPath, restrictSocket } from './socket-file.ts'

export interface HandlerContext {
  /** Ends when the client hangs up, at the time limit and, for a stream, with the server. */
  readonly signal: AbortSignal
}

/** What the daemon does for each route. A thrown X0tError reaches the caller with code, hint and exit code. */
export type Handlers = {
  readonly [Name in RouteName]: (
    request: RequestOf<Name>,
    context: HandlerContext,
  ) => KindOf<Name> extends 'ndjson'
    ? AsyncIterable<ResponseOf<Name>>
    : ResponseOf<Name> | Promise<ResponseOf<Name>>
}

/** The read-only TCP listener. */
export interface HttpListener {
  /** 127.0.0.1 by default. */
  readonly host?: string
  /** 8080 by default; 0 lets the system choose. */
  readonly port?: number
  /** Names that may stand in the Host header besides addresses and `localhost`; lower case. */
  readonly allowedHosts?: readonly string[]
}

export interface ServerOptions {
  readonly socketPath: string
  /** Absent: no TCP listener. */
  readonly http?: HttpListener
  readonly log: Log
  readonly counters: Counters
  /** Time limit of a handler; 30,000 by default. */
  readonly handlerTimeoutMs?: number
}

export interface LocalServer extends AsyncDisposable {
  readonly socketPath: string
  /** Where the TCP listener listens; undefined where there is none. */
  readonly http: { readonly host: string; readonly port: number } | undefined
}

/**
 * Serves all routes on a Unix socket (0600) and the public ones on TCP. Disposal lets running answers finish, ends
 * streams, and removes the socket.
 * @throws X0tError NODE_ALREADY_RUNNING (exit code 4), SOCKET_PATH_INVALID, SOCKET_DIRECTORY_UNSAFE, HTTP_PORT_TAKEN
 */
export async function createServer(handlers: Handlers, options: ServerOptions): Promise<LocalServer> {
  const { socketPath, http, log, counters, handlerTimeoutMs = 30_000 } = options
  await using stack = new AsyncDisposableStack()
  await claimSocketPath(socketPath)
  const closing = new AbortController()
  const shared = {
    handlers: handlers as Readonly<Record<string, AnyHandler>>,
    closing: closing.signal,
    handlerTimeoutMs,
    log,
    counters,
  }
  const onSocket = await listen(
    { ...shared, table: await loadRoutes('socket'), admit: () => {} },
    { path: socketPath },
  )
  stack.defer(() => close(onSocket, closing))
  await restrictSocket(socketPath)
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
    server.listen(at, resolve)
  })
  server.on('error', (error) => dispatch.log.warn('api-listener', { reason: error.message }))
  return server
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
