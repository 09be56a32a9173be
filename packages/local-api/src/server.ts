import type { Counters, Log } from '@x0t/core'
import type { KindOf, RequestOf, ResponseOf, RouteName } from './routes.ts'

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
 * Fails where {@link createServer} would fail for its socket: to be asked before a node opens anything else.
 * @throws X0tError NODE_ALREADY_RUNNING (exit code 4), SOCKET_PATH_INVALID, SOCKET_DIRECTORY_UNSAFE
 */
export async function checkSocket(socketPath: string): Promise<void> {
  const { claimSocketPath } = await import('./socket-file.ts')
  const lock = await claimSocketPath(socketPath)
  lock[Symbol.dispose]()
}

/**
 * Serves all routes on a Unix socket (0600) and the public ones on TCP. Disposal lets running answers finish, ends
 * streams, and removes the socket.
 * @throws X0tError NODE_ALREADY_RUNNING (exit code 4), SOCKET_PATH_INVALID, SOCKET_DIRECTORY_UNSAFE, HTTP_PORT_TAKEN
 */
export async function createServer(handlers: Handlers, options: ServerOptions): Promise<LocalServer> {
  const { serve } = await import('./serve.ts')
  return serve(handlers, options)
}
