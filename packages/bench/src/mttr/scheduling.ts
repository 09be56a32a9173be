import { X0tError } from '@x0t/core'
import type { Run } from '@x0t/testbed'
import type { RunningSystem } from './system.ts'

/**
 * How the processes of all systems are scheduled: `round-robin` in real time (SCHED_RR, priority 1), so that other work
 * on the machine cannot keep a daemon from its timers; `ordinary` leaves them as they started.
 */
export type Scheduling = 'round-robin' | 'ordinary'

/**
 * Gives all threads of the processes of a system real-time priority, and again to those that are restarted.
 * @throws X0tError BENCH_SCHEDULING_REFUSED
 */
export async function inRealTime(
  running: RunningSystem,
  hosts: readonly string[],
  run: Run,
): Promise<RunningSystem> {
  const raise = async (host: string): Promise<void> => {
    for (const { pid } of await running.processesOf(host)) {
      try {
        await run(['chrt', '--all-tasks', '--rr', '--pid', '1', String(pid)])
      } catch (error) {
        throw new X0tError('BENCH_SCHEDULING_REFUSED', `pid ${pid} of ${host} cannot run in real time`, {
          cause: error,
          hint: '--scheduling ordinary',
        })
      }
    }
  }
  for (const host of hosts) await raise(host)
  return {
    addressOf: (host) => running.addressOf(host),
    processesOf: (host) => running.processesOf(host),
    async restart(host) {
      await running.restart(host)
      await raise(host)
    },
    ...(running.isWhole === undefined ? {} : { isWhole: () => running.isWhole!() }),
    ...(running.reactions === undefined
      ? {}
      : { reactions: (sinceMs: number) => running.reactions!(sinceMs) }),
    ...(running.alarms === undefined ? {} : { alarms: (sinceMs: number) => running.alarms!(sinceMs) }),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}
