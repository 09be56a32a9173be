import type { Readable, Writable } from 'node:stream'
import type { BpfBackend } from '@x0t/bpf'
import { messageOf, X0tError } from '@x0t/core'

/** The outside world of a command: tests pass their own. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  /** The kernel's BPF; that of this machine by default. */
  readonly bpf?: BpfBackend
}

/**
 * Where a command's words go. The result, and nothing else, goes to stdout: as `view` renders it for people,
 * or with `--json` as one JSON document. Notes, progress, warnings and errors go to stderr.
 */
export interface Output {
  readonly streams: Streams
  /** True where `--json` was given. */
  readonly json: boolean
  /** True where stdout is a terminal and live views and colour make sense. */
  readonly interactive: boolean
  /** Prints the result of the command. */
  result<T>(value: T, view: (value: T) => string): void
  /** One line of a stream of results: NDJSON with `--json`. */
  line<T>(value: T, view: (value: T) => string): void
  /** Something that helps a person and is no result. */
  note(text: string): void
  warn(text: string): void
  /** Prints an error with its code and hint. */
  error(error: unknown): void
}

export function createOutput(streams: Streams, json: boolean): Output {
  const out = (text: string): void => void streams.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  const err = (text: string): void => void streams.stderr.write(text.endsWith('\n') ? text : `${text}\n`)
  return {
    streams,
    json,
    interactive: !json && streams.stdout.isTTY === true && streams.env['CI'] === undefined,
    result: (value, view) => out(json ? JSON.stringify(value, jsonValue, 2) : view(value)),
    line: (value, view) => out(json ? JSON.stringify(value, jsonValue) : view(value)),
    note: (text) => err(text),
    warn: (text) => err(`warning: ${text}`),
    error(error) {
      const code = codeOf(error)
      const hint = error instanceof X0tError ? error.hint : undefined
      if (json)
        err(
          JSON.stringify({
            error: { code, message: messageOf(error), ...(hint === undefined ? {} : { hint }) },
          }),
        )
      else err(`error ${code}: ${messageOf(error)}${hint === undefined ? '' : `\n  hint: ${hint}`}`)
      if (code === 'INTERNAL' && streams.env['X0T_DEBUG'] !== undefined && error instanceof Error)
        err(error.stack ?? '')
    },
  }
}

/** What the system refused is no fault of x0t: its errors name a call (`syscall`). */
function codeOf(error: unknown): string {
  if (error instanceof X0tError) return error.code
  return error instanceof Error && 'syscall' in error ? 'SYSTEM' : 'INTERNAL'
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value
}
