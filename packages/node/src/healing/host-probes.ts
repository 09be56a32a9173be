import { rm, statfs, writeFile } from 'node:fs/promises'
import { cpus, freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { messageOf } from '@x0t/core'
import type { HostProbes } from './ports.ts'

/** Asks this machine and process; `home` is where the node writes. */
export function openHostProbes(home: string): HostProbes & Disposable {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  let before = cpuTimes()
  return {
    cpuPercent() {
      const after = cpuTimes()
      const total = after.total - before.total
      const busy = after.busy - before.busy
      before = after
      return total > 0 ? (100 * busy) / total : undefined
    },
    memoryPercent: () => 100 * (1 - freemem() / totalmem()),
    stallMs() {
      const maxMs = delay.count === 0 ? undefined : delay.max / 1e6
      delay.reset()
      return maxMs
    },
    async diskFreeMib() {
      try {
        const { bavail, bsize } = await statfs(home)
        return (bavail * bsize) / 2 ** 20
      } catch {
        return undefined
      }
    },
    async tryToWrite() {
      const path = join(home, '.write-check')
      try {
        await writeFile(path, 'x0t\n', { mode: 0o600, flush: true })
        await rm(path)
        return undefined
      } catch (error) {
        return messageOf(error)
      }
    },
    [Symbol.dispose]: () => delay.disable(),
  }
}

function cpuTimes(): { readonly total: number; readonly busy: number } {
  let [total, idle] = [0, 0]
  for (const { times } of cpus()) {
    total += times.user + times.nice + times.sys + times.idle + times.irq
    idle += times.idle
  }
  return { total, busy: total - idle }
}
