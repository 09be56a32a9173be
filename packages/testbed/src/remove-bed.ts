import type { Bed } from './bed.ts'
import { endProcesses } from './end-processes.ts'
import { removePins } from './cables/join-cables.ts'
import { namespacesOf } from './network-plan.ts'
import { removeNodePins } from './remove-pins.ts'
import { removeNetwork, restoreNetnsFolder } from './network.ts'
import { processesInNamespace, type ProcessIdentity } from './process-table.ts'

/** Milliseconds that the programs of the hosts have to end by themselves. */
const graceMs = 5000

/** Milliseconds that the owner has to take a testbed down. */
const ownerGraceMs = 30_000

/**
 * Takes a testbed down: processes, namespaces (with links, rules and routes), mounts, folder. Goes by what is
 * there, so it cleans up after a run that was killed at any point, and may be repeated.
 * @throws X0tError TESTBED_PROCESS_STUCK
 */
export async function removeBed(bed: Bed): Promise<void> {
  const { plan, run, clock, folder, manifest } = bed
  await endProcesses(await processesOf(bed), { graceMs, clock })
  // A supervisor or a late start may have put new ones there meanwhile; those get no grace.
  await endProcesses(await processesOf(bed), { graceMs: 0, clock })
  if (manifest.runner.kind === 'x0t') await removeNodePins(namespacesOf(plan))
  await removeNetwork(plan, run)
  await removePins(bed, run)
  await restoreNetnsFolder(manifest.netnsFolder, run)
  await folder.remove()
  bed.log.info('bed-removed', { bed: plan.bed })
}

/**
 * Ends the process that owns the testbed, if it runs and is not this one, so that it does not restart what is being
 * taken down; a live owner takes the testbed down itself. Then removes what is left.
 * @throws X0tError TESTBED_PROCESS_STUCK
 */
export async function takeDownBed(bed: Bed): Promise<void> {
  const { owner } = bed.manifest
  if (owner.pid !== process.pid) await endProcesses([owner], { graceMs: ownerGraceMs, clock: bed.clock })
  await removeBed(bed)
}

/** Programs of the hosts and whatever else runs in the namespaces, as by `x0t testbed exec`. */
async function processesOf({ plan, folder }: Bed): Promise<readonly ProcessIdentity[]> {
  const found = new Map<number, ProcessIdentity>()
  for (const { name } of plan.hosts) {
    const program = await folder.process(name).catch(() => undefined)
    if (program !== undefined) found.set(program.pid, program)
  }
  for (const namespace of namespacesOf(plan))
    for (const one of await processesInNamespace(namespace)) found.set(one.pid, one)
  found.delete(process.pid)
  return [...found.values()]
}
