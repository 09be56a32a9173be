import type { ZodType } from 'zod'

/** `json`: one document each way. `ndjson`: a stream of documents, one a line. `text`: plain text. */
export type RouteKind = 'json' | 'ndjson' | 'text'

export interface RouteSchemas<Request, Response> {
  readonly request: ZodType<Request>
  readonly response: ZodType<Response>
}

/** One route. The schemas load when asked for: the server does so once, the client never. */
export interface Route<Kind extends RouteKind, Request, Response> {
  readonly kind: Kind
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** On the Unix socket; a segment `:name` is a field of the request. */
  readonly path: string
  /** On the read-only TCP listener; absent: not served there. */
  readonly publicPath?: string
  schemas(): Promise<RouteSchemas<Request, Response>>
  /** HTTP status of a response that is no error; 200 where absent. */
  statusOf?(response: Response): number
}

type Description<Request, Response> = Omit<Route<RouteKind, Request, Response>, 'kind' | 'method'>

export function get<Request, Response>(
  description: Description<Request, Response>,
): Route<'json', Request, Response> {
  return { kind: 'json', method: 'GET', ...description }
}

/** Routes that change something: never on TCP. */
export function change<Request, Response>(
  method: 'POST' | 'DELETE',
  description: Omit<Description<Request, Response>, 'publicPath'>,
): Route<'json', Request, Response> {
  return { kind: 'json', method, ...description }
}

export function stream<Request, Response>(
  description: Description<Request, Response>,
): Route<'ndjson', Request, Response> {
  return { kind: 'ndjson', method: 'GET', ...description }
}

export function text<Request>(description: Description<Request, string>): Route<'text', Request, string> {
  return { kind: 'text', method: 'GET', ...description }
}
