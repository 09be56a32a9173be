import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { hasCode, X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from './daemon.ts'
import { withHome, type HomeOption } from './home-option.ts'

const endsWithinMs = 15_000
const lookEveryMs = 50

export function registerStop(node: Command, context: CommandContext): void {
  withHome(node.command('stop').description('stop the running node and wait until it has ended')).action(
    async (options: HomeOption) => {
      const daemon = await openDaemon(options, context)
      const { pid } = await daemon.status(undefined, { signal: context.signal })
      await daemon.stop(undefined, { signal: context.signal })
      await processEnd(pid, context.signal)
      context.output().result({ stopped: true, pid }, () => `stopped (pid ${pid})`)
    },
  )
}

/** Waits for the end of a process that is not our child; the system has no event for that. */
async function processEnd(pid: number, signal: AbortSignal): Promise<void> {
  // A node in the process of this command (a test, or one program around both) ends by itself.
  if (pid === process.pid) return
  for (let waitedMs = 0; waitedMs < endsWithinMs; waitedMs += lookEveryMs) {
    if (!processRuns(pid)) return
    await delay(lookEveryMs, undefined, { signal })
  }
  throw new X0tError('NODE_STOP_TIMEOUT', `process ${pid} has not ended within ${endsWithinMs} ms`, {
    hint: `x0t node logs; kill ${pid}`,
  })
}

function processRuns(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}
