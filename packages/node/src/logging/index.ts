/**
 * The log of a node: JSON lines on pino, or readable lines; secrets are kept out by name and by shape.
 *
 * @example
 * import { createLog } from '@x0t/node/logging'
 * const log = createLog({ format: 'text', level: 'info', stream: process.stderr })
 * log.info('neighbour-up', { peer: 'k3v…', rttMs: 0.4 }) // 12:00:00.000 INFO  neighbour-up  peer="k3v…" rttMs=0.4
 */
export { createLog, logLevels, type LevelledLog, type LogLevel, type LogOptions } from './create-log.ts'
export { openLogFile, type LogFile } from './log-file.ts'
export { censored, loggable, redactedNames } from './redact.ts'
export { printable, textLine, type LogRecord } from './text-line.ts'
