import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf, X0tError, type Counters, type Log } from '@x0t/core'
import { sendError, sendJson, sendLines, sendText } from './answer.ts'
import { readJsonBody } from './read-request.ts'
import type { RouteTable, ServedRoute } from './route-table.ts'

export type AnyHandler = (request: unknown, context: { readonly signal: AbortSignal }) => unknown

export interface DispatchOptions {
  readonly table: RouteTable
  readonly handlers: Readonly<Record<string, AnyHandler>>
  /** Throws where a request may not be answered at all. */
  readonly admit: (request: IncomingMessage) => void
  /** Ends with the server. */
  readonly closing: AbortSignal
  readonly handlerTimeoutMs: number
  readonly log: Log
  readonly counters: Counters
}

/** A listener for `node:http` that finds the route, checks request and response, and answers. Never rejects. */
export function createDispatch(
  options: DispatchOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { table, admit, log, counters } = options
  return async (request, response) => {
    let name = 'unknown'
    try {
      admit(request)
      const url = URL.parse(request.url ?? '', 'http://localhost')
      const { route, fields } = table.find(request.method ?? '', url?.pathname ?? '')
      name = route.name
      const input = {
        ...Object.fromEntries(url?.searchParams ?? []),
        ...(await readJsonBody(request)),
        ...fields,
      }
      await answer(options, route, parse(route, input), response)
    } catch (error) {
      if (error instanceof X0tError) log.debug('api-refused', { route: name, code: error.code })
      else log.error('api-failed', { route: name, reason: messageOf(error) })
      sendError(response, error)
    }
    counters.count('api_requests_total', { route: name, status: String(response.statusCode) })
  }
}

async function answer(
  { handlers, closing, handlerTimeoutMs, log }: DispatchOptions,
  route: ServedRoute,
  input: unknown,
  response: ServerResponse,
): Promise<void> {
  const handler = handlers[route.name]!
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  if (route.kind === 'ndjson') {
    const signal = AbortSignal.any([gone.signal, closing])
    await sendLines(response, handler(input, { signal }) as AsyncIterable<unknown>, signal)
    return
  }
  const deadline = AbortSignal.timeout(handlerTimeoutMs)
  const signal = AbortSignal.any([gone.signal, deadline])
  const value = await untilAborted(Promise.resolve(handler(input, { signal })), signal, handlerTimeoutMs)
  const result = route.response.safeParse(value)
  if (!result.success) {
    log.error('api-response-invalid', { route: route.name, reason: result.error.message })
    throw new X0tError('DAEMON_FAILED', `the answer of ${route.name} does not fit its schema`)
  }
  if (route.kind === 'text') sendText(response, String(result.data))
  else sendJson(response, route.statusOf(result.data), result.data)
}

/** @throws X0tError REQUEST_INVALID (exit code 2), naming the first field that does not fit */
function parse(route: ServedRoute, input: unknown): unknown {
  const result = route.request.safeParse(input)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const where = issue === undefined || issue.path.length === 0 ? 'request' : issue.path.join('.')
  throw new X0tError('REQUEST_INVALID', `${where}: ${issue?.message ?? 'does not fit'}`, { exitCode: 2 })
}

/** The value, or DAEMON_TIMEOUT: a handler that ignores its signal must not hold the connection. */
async function untilAborted<T>(value: Promise<T>, signal: AbortSignal, timeoutMs: number): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void =>
    reject(new X0tError('DAEMON_TIMEOUT', `the daemon found no answer within ${timeoutMs} ms`))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([value, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
