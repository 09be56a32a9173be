import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { X0tError } from '@x0t/core'
import type { BedFolder } from './bed-folder.ts'

/** Where Debian and others put libfaketime. */
const libraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib64/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
]

/** libfaketime reads the file of the offset once in this time. */
export const clockDelayMs = 1000

/** File with the offset of a host's wall clock, as libfaketime reads it: `+3600` seconds. */
export function clockFile(folder: BedFolder, host: string): string {
  return join(folder.hostFolder(host), 'clock')
}

/**
 * Words to put before a command so that its wall clock is the real one plus what {@link clockFile} says. The monotonic
 * clock, and with it all timers, stays as it is. A time namespace could not do it: it moves only clocks that count from
 * the boot.
 * @throws X0tError TESTBED_TOOL_MISSING
 */
export async function withMovableClock(folder: BedFolder, host: string): Promise<readonly string[]> {
  const file = clockFile(folder, host)
  // A host that is started again keeps its wrong clock.
  await writeFile(file, '+0\n', { flag: 'wx', mode: 0o600 }).catch(() => {})
  return [
    // libfaketime leaves shared memory behind: in a /dev/shm of its own it goes with the process.
    'unshare',
    '--mount',
    'sh',
    '-c',
    'mount -t tmpfs tmpfs /dev/shm && exec "$@"',
    'sh',
    'env',
    `LD_PRELOAD=${await findLibrary()}`,
    `FAKETIME_TIMESTAMP_FILE=${file}`,
    'FAKETIME_DONT_FAKE_MONOTONIC=1',
    'NO_FAKE_STAT=1',
    // Without the cache each reading of the clock would read the file, and take 18 µs.
    `FAKETIME_CACHE_DURATION=${clockDelayMs / 1000}`,
  ]
}

async function findLibrary(): Promise<string> {
  for (const path of libraries) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  throw new X0tError('TESTBED_TOOL_MISSING', 'libfaketime is not installed', {
    hint: 'apt install faketime',
  })
}
