import { messageOf, X0tError } from '@x0t/core'

/** An error as it travels in an answer. */
export interface ErrorRecord {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly hint?: string
    readonly exitCode: number
  }
}

/** What of an error may travel: code, message, hint and exit code; no stack, no cause. */
export function encodeError(error: unknown): ErrorRecord {
  if (!(error instanceof X0tError))
    return { error: { code: 'DAEMON_FAILED', message: messageOf(error), exitCode: 1 } }
  const { code, message, hint, exitCode } = error
  return { error: { code, message, ...(hint === undefined ? {} : { hint }), exitCode } }
}

/** The error in an answer, or DAEMON_FAILED where the answer holds none. */
export function decodeError(body: unknown, httpStatus: number): X0tError {
  const record: unknown = isRecord(body) ? body['error'] : undefined
  if (!isRecord(record) || typeof record['code'] !== 'string' || typeof record['message'] !== 'string')
    return new X0tError('DAEMON_FAILED', `the daemon answered ${httpStatus} without a reason`)
  const { code, message, hint, exitCode } = record
  return new X0tError(code, message, {
    ...(typeof hint === 'string' ? { hint } : {}),
    ...(typeof exitCode === 'number' && Number.isInteger(exitCode) && exitCode > 0 && exitCode < 256
      ? { exitCode }
      : {}),
  })
}

/** HTTP status of an error, for clients other than ours. */
export function httpStatusOf(error: unknown): number {
  if (!(error instanceof X0tError)) return 500
  return statusOfCode[error.code] ?? (error.exitCode === 2 ? 400 : 409)
}

const statusOfCode: Readonly<Record<string, number>> = {
  REQUEST_INVALID: 400,
  HOST_REFUSED: 403,
  ROUTE_UNKNOWN: 404,
  REQUEST_TOO_LARGE: 413,
  DAEMON_FAILED: 500,
  MESH_DOWN: 503,
  DAEMON_TIMEOUT: 504,
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
