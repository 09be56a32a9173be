import type { IncomingMessage } from 'node:http'
import { hasCode, messageOf, X0tError } from '@x0t/core'
import { decodeError } from './error-record.ts'
import {
  apiVersion,
  apiVersionHeader,
  routes,
  type KindOf,
  type RequestOf,
  type ResponseOf,
  type RouteName,
} from './routes.ts'

export interface CallOptions {
  readonly signal?: AbortSignal
}

// oxlint-disable-next-line typescript/no-empty-object-type -- {} asks whether every field may be absent
type Arguments<Request> = {} extends Request
  ? [request?: Request, options?: CallOptions]
  : [request: Request, options?: CallOptions]

/** A method for each route: `json` and `text` give a promise, `ndjson` an async iterable. */
export type Client = {
  readonly [Name in RouteName]: (
    ...args: Arguments<RequestOf<Name>>
  ) => KindOf<Name> extends 'ndjson' ? AsyncIterable<ResponseOf<Name>> : Promise<ResponseOf<Name>>
}

export interface ClientOptions {
  readonly socketPath: string
  /** For an answer to be complete; streams only have to begin in it. 30,000 by default. */
  readonly timeoutMs?: number
}

const maxResponseBytes = 64 * 1024 * 1024
const maxLineBytes = 1024 * 1024

/**
 * The daemon behind a Unix socket. Nothing is opened until a method is called.
 * Answers are not validated again: the server does it, and a daemon with another API version is refused.
 *
 * Methods throw what the daemon threw, with the same code, hint and exit code, and besides NO_DAEMON
 * (exit code 4), SOCKET_FORBIDDEN, DAEMON_TIMEOUT, DAEMON_INCOMPATIBLE.
 */
export function openClient(options: ClientOptions): Client {
  const methods = (Object.keys(routes) as RouteName[]).map((name) => {
    const call = (request: object = {}, { signal }: CallOptions = {}): unknown =>
      routes[name].kind === 'ndjson'
        ? readLines(options, name, request, signal)
        : readWhole(options, name, request, signal)
    return [name, call] as const
  })
  return Object.fromEntries(methods) as unknown as Client
}

async function readWhole(
  options: ClientOptions,
  name: RouteName,
  request: object,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { timeoutMs = 30_000 } = options
  const deadline = AbortSignal.timeout(timeoutMs)
  const both = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
  try {
    const response = await send(options.socketPath, name, request, both)
    return await readBody(response, routes[name].kind)
  } catch (error) {
    throw explain(error, options, signal)
  }
}

async function* readLines(
  options: ClientOptions,
  name: RouteName,
  request: object,
  signal: AbortSignal | undefined,
): AsyncGenerator {
  const stop = new AbortController()
  const beginning = AbortSignal.timeout(options.timeoutMs ?? 30_000)
  const giveUp = (): void => stop.abort(beginning.reason)
  beginning.addEventListener('abort', giveUp, { once: true })
  const both = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  try {
    const response = await send(options.socketPath, name, request, both)
    beginning.removeEventListener('abort', giveUp)
    response.setEncoding('utf8')
    let rest = ''
    for await (const chunk of response) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > maxLineBytes) throw new X0tError('DAEMON_FAILED', 'the daemon sent an endless line')
      for (const line of lines) if (line !== '') yield JSON.parse(line)
    }
  } catch (error) {
    throw explain(error, options, signal)
  } finally {
    beginning.removeEventListener('abort', giveUp)
    stop.abort()
  }
}

/** Sends a request and returns the answer once its head is there and good. */
async function send(
  socketPath: string,
  name: RouteName,
  request: object,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { request: httpRequest } = await import('node:http')
  const { method } = routes[name]
  const { path, rest } = fillPath(routes[name].path, request)
  const body = method === 'POST' ? JSON.stringify(rest) : undefined
  const query = method === 'POST' ? '' : String(new URLSearchParams(rest as Record<string, string>))
  const headers = {
    host: 'localhost',
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpRequest(
      { socketPath, method, path: query === '' ? path : `${path}?${query}`, headers, signal, agent: false },
      resolve,
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
  const spoken = response.headers[apiVersionHeader]
  if (spoken !== apiVersion) {
    response.destroy()
    throw new X0tError(
      'DAEMON_INCOMPATIBLE',
      `the daemon speaks API version ${String(spoken ?? 'unknown')}, this command ${apiVersion}`,
      { hint: 'x0t node stop && x0t node start' },
    )
  }
  if (response.statusCode !== 200 && routes[name].kind === 'ndjson') await readBody(response, 'json')
  return response
}

/** Puts the fields named in the path into it; the others go into the body, or into the query of a GET or DELETE. */
function fillPath(template: string, request: object): { path: string; rest: Record<string, unknown> } {
  const rest: Record<string, unknown> = { ...request }
  const path = template.replaceAll(/:(\w+)/g, (_, field: string) => {
    const value = String(rest[field])
    delete rest[field]
    return encodeURIComponent(value)
  })
  return { path, rest }
}

async function readBody(response: IncomingMessage, kind: string): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    const piece = chunk as Buffer
    bytes += piece.length
    if (bytes > maxResponseBytes) throw new X0tError('DAEMON_FAILED', 'the answer of the daemon is too large')
    chunks.push(piece)
  }
  const content = Buffer.concat(chunks).toString('utf8')
  const good = response.statusCode === 200
  if (good && kind === 'text') return content
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    throw new X0tError('DAEMON_FAILED', `the daemon answered ${response.statusCode} and no JSON`, { cause })
  }
  // A route may answer with another status and no error: /health/ready says 503 and why.
  const isError = typeof value === 'object' && value !== null && 'error' in value
  if (!good && (isError || response.statusCode !== 503)) throw decodeError(value, response.statusCode ?? 0)
  return value
}

function explain(error: unknown, { socketPath, timeoutMs }: ClientOptions, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason
  if (error instanceof X0tError) return error
  if (hasCode(error, 'ENOENT') || hasCode(error, 'ECONNREFUSED') || hasCode(error, 'ENOTSOCK'))
    return new X0tError('NO_DAEMON', `no node answers at ${socketPath}`, {
      cause: error,
      hint: 'x0t node start',
      exitCode: 4,
    })
  if (hasCode(error, 'EACCES') || hasCode(error, 'EPERM'))
    return new X0tError('SOCKET_FORBIDDEN', `you may not use ${socketPath}`, {
      cause: error,
      hint: 'run the command as the user who started the node, or as root',
      exitCode: 4,
    })
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError'))
    return new X0tError('DAEMON_TIMEOUT', `no answer within ${timeoutMs ?? 30_000} ms`, { cause: error })
  return new X0tError('DAEMON_FAILED', `the connection to the daemon broke: ${messageOf(error)}`, {
    cause: error,
    exitCode: 4,
  })
}
