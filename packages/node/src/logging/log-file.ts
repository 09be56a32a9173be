import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/** A log file that never grows beyond twice its limit. */
export interface LogFile extends Disposable {
  write(line: string): void
}

/**
 * Opens a log file (0600) to append to. At `maxBytes` it is renamed to `<path>.1`, over an older one, and begun anew.
 * Writes are synchronous: the last lines before a crash are the ones that matter.
 */
export function openLogFile(path: string, maxBytes: number): LogFile {
  let file = openSync(path, 'a', 0o600)
  let size = fstatSync(file).size
  return {
    write(line) {
      const bytes = Buffer.from(line)
      if (size > 0 && size + bytes.length > maxBytes) {
        closeSync(file)
        renameSync(path, `${path}.1`)
        file = openSync(path, 'a', 0o600)
        size = 0
      }
      writeSync(file, bytes)
      size += bytes.length
    },
    [Symbol.dispose]: () => closeSync(file),
  }
}
