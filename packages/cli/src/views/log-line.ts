import { printable, textLine, type LogRecord } from '@x0t/node/logging'

/** A record of the log as one readable line; what is no record is shown as it is, without control characters. */
export function logLine(record: Readonly<Record<string, unknown>>, colour: boolean): string {
  const { level, time, event } = record
  if (typeof level !== 'string' || typeof time !== 'string' || typeof event !== 'string')
    return printable(typeof record['text'] === 'string' ? record['text'] : JSON.stringify(record))
  return textLine(record as LogRecord, { colour })
}
