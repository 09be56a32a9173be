import { geteuid } from 'node:process'
import { silentLog, systemClock, X0tError, type Clock, type Log } from '@x0t/core'
import { bedFolder, makeBedFolder, type BedFolder } from './bed-folder.ts'
import { joinCables } from './cables/join-cables.ts'
import { removeBed } from './remove-bed.ts'
import type { Manifest, RunnerSpec } from './manifest.ts'
import { existingNamespaces, makeNetwork, netnsFolder } from './network.ts'
import { planNetwork, type CableKind, type NetworkPlan } from './network-plan.ts'
import { readProcess } from './process-table.ts'
import { systemRun, type Run } from './run-command.ts'
import { startHost } from './start-host.ts'
import { breadthFirst, type Topology } from './topology.ts'

/** What a testbed reaches of the outside world. */
export interface BedPorts {
  readonly run: Run
  readonly clock: Clock
  readonly log: Log
  /** Environment of the programs of the hosts. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Ends what is under way; tearing down goes on regardless. */
  readonly signal: AbortSignal
}

/** A testbed that exists: made by {@link createBed} or found by {@link openBed}. */
export interface Bed extends BedPorts {
  readonly folder: BedFolder
  readonly manifest: Manifest
  readonly plan: NetworkPlan
}

export interface BedPortOptions {
  readonly env: BedPorts['env']
  readonly signal: AbortSignal
  readonly log?: Log
  readonly clock?: Clock
  readonly run?: Run
}

export interface CreateBedOptions extends BedPortOptions {
  readonly name: string
  readonly topology: Topology
  readonly runner: RunnerSpec
  readonly runFolder: string
  /** Kernels forward along shortest paths; false by default, as that is the mesh's work. */
  readonly forward?: boolean
  /** What joins two hosts; `veth` by default. */
  readonly cables?: CableKind
  /** Told when a host has come up. */
  readonly onProgress?: (up: number, of: number) => void
}

/** Most programs that start at one time. */
const startsAtOnce = 2

/**
 * Makes namespaces and links and starts the program of every host, the first host first, then outwards.
 * Disposing it takes everything down; so does a failure or an abort on the way. A testbed that shall outlive the
 * process is simply not disposed of: {@link openBed} finds it again.
 * @throws X0tError TESTBED_NEEDS_ROOT, TESTBED_EXISTS, TESTBED_NAMESPACE_EXISTS, TESTBED_HOST_START_FAILED,
 *   TESTBED_CABLES_UNAVAILABLE
 */
export async function createBed(options: CreateBedOptions): Promise<Bed & AsyncDisposable> {
  const { name, topology, runner, runFolder, forward = false, cables = 'veth' } = options
  const ports = portsOf(options)
  const plan = planNetwork(name, topology, { forward, cables })
  await refuseUnlessPossible(plan)
  const owner = (await readProcess(process.pid))!
  const manifest: Manifest = {
    schema: 'x0t.testbed/1',
    createdAtMs: ports.clock.wallMs(),
    owner: { pid: owner.pid, startTicks: owner.startTicks },
    netnsFolder: await netnsFolder(),
    runner,
    plan: { ...plan, hosts: [...plan.hosts], links: [...plan.links] },
  }
  ports.signal.throwIfAborted()
  await using stack = new AsyncDisposableStack()
  const folder = await makeBedFolder(runFolder, manifest)
  const bed: Bed = { ...ports, folder, manifest, plan }
  stack.defer(() => removeBed(bed))
  await makeNetwork(plan, ports.run, ports.signal)
  if (cables === 'bpf') await joinCables(bed)
  await startHosts(bed, topology, options.onProgress)
  const resources = stack.move()
  return { ...bed, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

/** @throws X0tError TESTBED_NOT_FOUND, TESTBED_MANIFEST_BROKEN */
export async function openBed(
  options: BedPortOptions & { readonly name: string; readonly runFolder: string },
): Promise<Bed> {
  const folder = bedFolder(options.runFolder, options.name)
  const manifest = await folder.manifest()
  return { ...portsOf(options), folder, manifest, plan: manifest.plan }
}

function portsOf({
  env,
  signal,
  log = silentLog,
  clock = systemClock,
  run = systemRun(env),
}: BedPortOptions): BedPorts {
  return { env, signal, log, clock, run }
}

async function refuseUnlessPossible(plan: NetworkPlan): Promise<void> {
  if (geteuid?.() !== 0) {
    throw new X0tError('TESTBED_NEEDS_ROOT', 'network namespaces need root', {
      hint: 'sudo x0t testbed up …',
    })
  }
  const taken = await existingNamespaces(plan)
  if (taken.length > 0) {
    throw new X0tError(
      'TESTBED_NAMESPACE_EXISTS',
      `the namespace ${taken[0]!} exists and belongs to no testbed`,
      {
        hint: `x0t testbed down --bed ${plan.bed}, or ip netns delete ${taken[0]!}`,
      },
    )
  }
}

/** Starts a host as soon as the neighbour through which it joins is up, `startsAtOnce` at a time. */
async function startHosts(
  bed: Bed,
  topology: Topology,
  onProgress: CreateBedOptions['onProgress'] = () => {},
): Promise<void> {
  if (bed.manifest.runner.kind === 'none') return
  const waiting = [...breadthFirst(topology)]
  const up = new Set<string>()
  const running = new Map<string, Promise<void>>()
  const start = async (host: string, via: string | undefined): Promise<void> => {
    await startHost(bed, host, via)
    up.add(host)
    running.delete(host)
    onProgress(up.size, topology.hosts.length)
  }
  try {
    while (waiting.length > 0 || running.size > 0) {
      bed.signal.throwIfAborted()
      const at = waiting.findIndex(({ via }) => via === undefined || up.has(via))
      if (at >= 0 && running.size < startsAtOnce) {
        const { host, via } = waiting.splice(at, 1)[0]!
        running.set(host, start(host, via))
      } else {
        await Promise.race(running.values())
      }
    }
  } finally {
    // None may go on starting while the testbed is taken down after a failure of another.
    await Promise.allSettled(running.values())
  }
}
