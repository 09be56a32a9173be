import { silentLog, X0tError } from '@x0t/core'
import type { Bed } from './bed.ts'
import { runnerOf } from './host-runner.ts'
import type { HostProcess } from './manifest.ts'
import { processState, readProcess } from './process-table.ts'
import { lockStart } from './start-lock.ts'

/**
 * Starts the program of a host, for the first time or again; returns the one that runs, if one does.
 * @param via for the first time: a neighbour that runs already
 * @throws X0tError TESTBED_HOST_START_FAILED
 */
export async function startHost(bed: Bed, host: string, via?: string): Promise<HostProcess | undefined> {
  const { folder, manifest, run, env, signal } = bed
  const runner = runnerOf(manifest.runner, { folder, manifest, run, env, log: bed.log ?? silentLog })
  if (runner === undefined) return undefined
  await using lock = await lockStart(folder, host, signal)
  void lock
  const before = await folder.process(host)
  if (before !== undefined && (await processState(before)) !== 'dead') return before
  const first = before === undefined
  const started = await runner.start({ host, first, signal, ...(via === undefined ? {} : { via }) })
  const facts = await readProcess(started.pid)
  if (facts === undefined || facts.state === 'dead') {
    throw new X0tError('TESTBED_HOST_START_FAILED', `the program of host ${host} ended at once`, {
      hint: `see ${folder.hostFolder(host)}`,
    })
  }
  const record: HostProcess = {
    pid: started.pid,
    startTicks: facts.startTicks,
    startedAtMs: bed.clock.wallMs(),
    details: { ...started.details },
  }
  await folder.writeProcess(host, record)
  bed.log.info('host-started', { bed: bed.plan.bed, host, pid: record.pid, ...record.details })
  return record
}
