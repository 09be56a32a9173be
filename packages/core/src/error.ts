/** Details of an {@link X0tError}: what caused it, and one action or command that helps. */
export interface X0tErrorOptions {
  readonly cause?: unknown
  readonly hint?: string
  /** Exit code of a command that ends with this error; 1 where absent. */
  readonly exitCode?: number
}

/**
 * A failure that a user can meet. `code` is stable and is what callers branch on;
 * the message states what was found and what was expected.
 */
export class X0tError extends Error {
  readonly code: string
  readonly hint: string | undefined
  readonly exitCode: number

  constructor(code: string, message: string, options: X0tErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'X0tError'
    this.code = code
    this.hint = options.hint
    this.exitCode = options.exitCode ?? 1
  }
}

/** True if `error` carries this `code`, whoever made it (an {@link X0tError} or the system). */
export function hasCode(error: unknown, code: string): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && error.code === code
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
