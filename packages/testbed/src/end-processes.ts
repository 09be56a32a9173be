import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, X0tError, type Clock } from '@x0t/core'
import { processState, type ProcessIdentity } from './process-table.ts'

/** Milliseconds between two looks at /proc: the end of a process that is no child of ours gives no event. */
const lookEveryMs = 20

/** Sends a signal to exactly this process; false if it is gone. With `group`, to its whole process group. */
export async function signalProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  { group = false } = {},
): Promise<boolean> {
  if ((await processState(identity)) === 'dead') return false
  try {
    process.kill(group ? -identity.pid : identity.pid, signal)
    return true
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false
    throw error
  }
}

/**
 * Ends processes: SIGTERM, then SIGKILL for those left after `graceMs`. Frozen ones are continued so that they
 * can hear the first.
 * @throws X0tError TESTBED_PROCESS_STUCK if one outlives SIGKILL by 5 s
 */
export async function endProcesses(
  processes: readonly ProcessIdentity[],
  { graceMs, clock }: { readonly graceMs: number; readonly clock: Clock },
): Promise<void> {
  if (graceMs > 0) {
    for (const one of processes) {
      await signalProcess(one, 'SIGTERM')
      await signalProcess(one, 'SIGCONT')
    }
  }
  const left = await waitForEnd(processes, graceMs, clock)
  for (const one of left) await signalProcess(one, 'SIGKILL')
  const stuck = await waitForEnd(left, 5000, clock)
  if (stuck.length > 0) {
    const pids = stuck.map((one) => one.pid).join(', ')
    throw new X0tError('TESTBED_PROCESS_STUCK', `still there after SIGKILL: pid ${pids}`)
  }
}

/** Waits until the processes have ended, `withinMs` at most; returns those that have not. */
export async function waitForEnd(
  processes: readonly ProcessIdentity[],
  withinMs: number,
  clock: Clock,
): Promise<readonly ProcessIdentity[]> {
  const until = clock.monotonicMs() + withinMs
  let left = processes
  for (;;) {
    const states = await Promise.all(left.map(processState))
    left = left.filter((_, at) => states[at] !== 'dead')
    if (left.length === 0 || clock.monotonicMs() >= until) return left
    await delay(lookEveryMs)
  }
}
