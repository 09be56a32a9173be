import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, X0tError } from '@x0t/core'
import { openSyscalls, type Syscalls } from './syscalls.ts'

/** A change takes some twenty milliseconds. */
const longestWaitMs = 10_000
const lookEveryMs = 5

/**
 * Runs one change of chains at a time, also among processes: two that write the same idle bank would lose one of both.
 * The lock is on the folder above the pins, so it leaves nothing behind and ends with its process, however that ends.
 * Without foreign functions (where bpftool is the back end) there is none.
 * @throws X0tError BPF_CHAIN_BUSY
 */
export async function withChainLock<T>(
  root: string,
  run: () => Promise<T>,
  patienceMs = longestWaitMs,
): Promise<T> {
  const unlock = await lock(dirname(root), patienceMs)
  try {
    return await run()
  } finally {
    unlock()
  }
}

async function lock(folder: string, patienceMs: number): Promise<() => void> {
  const syscalls = callsOrNone()
  if (syscalls === undefined) return () => {}
  let fd: number
  try {
    fd = openSync(folder, 'r')
  } catch (error) {
    // Nothing was ever pinned here.
    if (!hasCode(error, 'ENOENT')) throw error
    return () => {}
  }
  for (let waitedMs = 0; ; waitedMs += lookEveryMs) {
    if (syscalls.lock(fd)) return () => closeSync(fd)
    if (waitedMs >= patienceMs) break
    await delay(lookEveryMs)
  }
  closeSync(fd)
  throw new X0tError('BPF_CHAIN_BUSY', 'another process is changing a chain of XDP programs', {
    hint: 'run the command again; x0t bpf list shows what is there',
  })
}

function callsOrNone(): Syscalls | undefined {
  try {
    return openSyscalls()
  } catch (error) {
    if (hasCode(error, 'BPF_UNSUPPORTED')) return undefined
    throw error
  }
}
