import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { encodeError, httpStatusOf } from './error-record.ts'
import { apiVersion, apiVersionHeader } from './routes.ts'

const common = {
  [apiVersionHeader]: apiVersion,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendWhole(response, status, 'application/json', `${JSON.stringify(value)}\n`)
}

/** Metrics, in the text format of Prometheus 0.0.4. */
export function sendText(response: ServerResponse, content: string): void {
  sendWhole(response, 200, 'text/plain; version=0.0.4; charset=utf-8', content)
}

export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy()
  else sendJson(response, httpStatusOf(error), encodeError(error))
}

function sendWhole(response: ServerResponse, status: number, type: string, content: string): void {
  // A client may hang up at any time: writing to a closed answer is no error of ours.
  if (response.destroyed) return
  response.writeHead(status, {
    ...common,
    'content-type': type,
    'content-length': Buffer.byteLength(content),
  })
  response.end(content)
}

/** One JSON document a line, as fast as the client reads; ends with the source or with `signal`. */
export async function sendLines(
  response: ServerResponse,
  lines: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { ...common, 'content-type': 'application/x-ndjson' })
  response.flushHeaders()
  try {
    for await (const line of lines) {
      if (signal.aborted) break
      if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, 'drain', { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  response.end()
}
