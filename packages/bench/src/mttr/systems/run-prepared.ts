import { X0tError } from '@x0t/core'
import type { ProcessIdentity } from '@x0t/testbed'
import type { BedTools } from '../../bed-tools.ts'
import type { PreparedHosts } from '../../overlays/prepared-hosts.ts'
import type { Alarm, Reactions, RunningSystem } from '../system.ts'

/** Starts every host of the bed in order and keeps account of the processes of each. The bed ends them. */
export async function runPrepared(
  { bed }: BedTools,
  prepared: PreparedHosts,
  more: {
    readonly isWhole?: () => Promise<boolean>
    readonly reactions?: (sinceMs: number) => Promise<Reactions>
    readonly alarms?: (sinceMs: number) => Promise<readonly Alarm[]>
  } = {},
): Promise<RunningSystem> {
  const processes = new Map<string, readonly ProcessIdentity[]>()
  const restart = async (host: string): Promise<void> => {
    processes.set(host, await prepared.startHost(host))
  }
  for (const { name } of bed.plan.hosts) await restart(name)
  return {
    addressOf: (host) => prepared.addressOf(host),
    async processesOf(host) {
      const found = processes.get(host)
      if (found === undefined) throw new X0tError('BENCH_TUNNEL_DOWN', `nothing runs on ${host}`)
      return found
    },
    restart,
    ...more,
    [Symbol.asyncDispose]: async () => {},
  }
}
