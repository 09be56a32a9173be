import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from '@x0t/core'
import type { BedFolder } from './bed-folder.ts'
import { processState, readProcess } from './process-table.ts'

/** Between two looks whether another has finished. */
const lookEveryMs = 20

/**
 * Keeps all others, also in other processes, from starting this host until it is disposed of: a supervisor and a
 * fault that is healed may both find the same program dead. The lock of a process that ended is void.
 */
export async function lockStart(
  folder: BedFolder,
  host: string,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const path = join(folder.hostFolder(host), 'starting')
  const draft = `${path}.${randomUUID()}`
  const { pid, startTicks } = (await readProcess(process.pid))!
  for (;;) {
    signal.throwIfAborted()
    try {
      // A link appears with its content, so a lock is never without its holder.
      await writeFile(draft, `${pid} ${startTicks}`, { mode: 0o600 })
      await link(draft, path)
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    } finally {
      await rm(draft, { force: true })
    }
    const text = await readFile(path, 'utf8').catch(() => '')
    const holder = /^(\d+) (\d+)$/.exec(text)
    if (holder !== null) {
      const identity = { pid: Number(holder[1]), startTicks: Number(holder[2]) }
      if ((await processState(identity)) === 'dead') await rm(path, { force: true })
    }
    await delay(lookEveryMs, undefined, { signal })
  }
}
