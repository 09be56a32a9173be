import type { Log } from '@x0t/core'

/** What parts of the node log when they could not write to the home. */
const writeFailures = new Set([
  'state-not-written',
  'svid-not-stored',
  'ban-not-stored',
  'healing-knowledge-not-written',
])

/** A log that also tells of writes that failed. */
export function watchingWrites<T extends Log>(log: T, onFailure: (reason: string) => void): T {
  const tell =
    (level: 'warn' | 'error'): Log['warn'] =>
    (event, fields) => {
      log[level](event, fields)
      if (writeFailures.has(event)) {
        const reason = fields?.['reason']
        onFailure(typeof reason === 'string' ? reason : event)
      }
    }
  return Object.assign(Object.create(log) as T, {
    debug: log.debug.bind(log),
    info: log.info.bind(log),
    warn: tell('warn'),
    error: tell('error'),
  })
}
