import { pino } from 'pino'
import type { Log, LogFields } from '@x0t/core'
import { loggable } from './redact.ts'
import { textLine, type LogRecord } from './text-line.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LogOptions {
  /** JSON lines for machines, or one readable line each. */
  readonly format: 'json' | 'text'
  readonly level: LogLevel
  /** Takes one line at a time, with its line break. */
  readonly stream: { write(line: string): unknown }
  /** Colour in text lines; leave it out where NO_COLOR is set or the stream is no terminal. */
  readonly colour?: boolean
  /** Wall clock; the system's where absent. */
  readonly wallMs?: () => number
}

/** A log whose level can be changed while it runs. */
export interface LevelledLog extends Log {
  level(): LogLevel
  setLevel(level: LogLevel): void
}

/** Names that a record uses itself; a field of that name gets an underscore. */
const ownNames = new Set(['level', 'time', 'event'])

/**
 * The log of a program, on pino. What must not be logged is replaced first (see `loggable`):
 * that is a net below the rule that fields hold no secrets, not a licence.
 */
export function createLog(options: LogOptions): LevelledLog {
  const { format, stream, wallMs = Date.now, colour = false } = options
  const destination =
    format === 'json'
      ? stream
      : { write: (line: string) => stream.write(`${textLine(JSON.parse(line) as LogRecord, { colour })}\n`) }
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'event',
      timestamp: () => `,"time":"${new Date(wallMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  const write =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (logger.isLevelEnabled(level)) logger[level](prepared(fields), event)
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    level: () => logger.level as LogLevel,
    setLevel: (level) => void (logger.level = level),
  }
}

function prepared(fields: LogFields): Record<string, unknown> {
  const clean = loggable(fields)
  for (const name of Object.keys(clean)) {
    if (!ownNames.has(name)) continue
    clean[`${name}_`] = clean[name]
    delete clean[name]
  }
  return clean
}
