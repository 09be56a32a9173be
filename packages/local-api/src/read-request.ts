import type { IncomingMessage } from 'node:http'
import { X0tError } from '@x0t/core'

/** Largest body of a request. */
export const maxBodyBytes = 64 * 1024

/**
 * The JSON object in the body of a request; an empty one where there is no body.
 * @throws X0tError REQUEST_TOO_LARGE, REQUEST_INVALID
 */
export async function readJsonBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const tooLarge = new X0tError('REQUEST_TOO_LARGE', `the body exceeds ${maxBodyBytes} bytes`, {
    exitCode: 2,
  })
  // What is announced too large is refused before it is read, so that the refusal reaches the client.
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    const piece = chunk as Buffer
    bytes += piece.length
    if (bytes > maxBodyBytes) throw tooLarge
    chunks.push(piece)
  }
  if (bytes === 0) return {}
  if (!/^application\/json\s*(;|$)/.test(request.headers['content-type'] ?? ''))
    throw new X0tError('REQUEST_INVALID', 'the body must be application/json', { exitCode: 2 })
  let value: unknown
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw new X0tError('REQUEST_INVALID', 'the body is no JSON', { cause, exitCode: 2 })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new X0tError('REQUEST_INVALID', 'the body must be a JSON object', { exitCode: 2 })
  return value as Record<string, unknown>
}
