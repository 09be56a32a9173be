import { createBed, parseShape, type BedPortOptions, type PlannedLink, type RunnerSpec } from '@x0t/testbed'
import { bedTools, type BedTools } from './bed-tools.ts'

/** A chain of hosts in fresh namespaces; disposing it ends every process in them and removes all. */
export interface Lab extends BedTools, AsyncDisposable {
  /** Host names from one end to the other. */
  readonly hosts: readonly string[]
  readonly first: string
  readonly last: string
  /** Link i joins host i and host i + 1; its end `a` is at host i. */
  readonly links: readonly PlannedLink[]
}

export interface LabOptions extends BedPortOptions {
  /** Hosts between the two ends. */
  readonly relays: number
  readonly runFolder: string
  /** What runs on the hosts; nothing by default. */
  readonly runner?: RunnerSpec
  /** Kernels forward along the chain. */
  readonly forward?: boolean
}

/** Name of the testbed of a benchmark: its namespaces are x0t-bench-n0 and so on. */
export const labBed = 'bench'

export async function makeLab(options: LabOptions): Promise<Lab> {
  const { relays, runner = { kind: 'none' }, runFolder, forward = false, env, signal } = options
  const topology = parseShape(`line:${relays + 2}`)
  const ports = {
    env,
    signal,
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.run === undefined ? {} : { run: options.run }),
  }
  const bed = await createBed({ ...ports, name: labBed, topology, runner, runFolder, forward })
  return {
    ...bedTools(bed),
    hosts: topology.hosts,
    first: topology.hosts[0]!,
    last: topology.hosts.at(-1)!,
    links: bed.plan.links,
    [Symbol.asyncDispose]: () => bed[Symbol.asyncDispose](),
  }
}
