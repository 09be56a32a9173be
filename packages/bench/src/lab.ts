import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import {
  createBed,
  inNamespace,
  parseShape,
  plannedHost,
  readProcess,
  type Bed,
  type BedPortOptions,
  type CommandOptions,
  type CommandResult,
  type PlannedLink,
  type ProcessIdentity,
  type RunnerSpec,
} from '@x0t/testbed'

/** A chain of hosts in fresh namespaces; disposing it ends every process in them and removes all. */
export interface Lab extends AsyncDisposable {
  readonly bed: Bed
  /** Host names from one end to the other. */
  readonly hosts: readonly string[]
  readonly first: string
  readonly last: string
  /** Link i joins host i and host i + 1; its end `a` is at host i. */
  readonly links: readonly PlannedLink[]
  readonly signal: AbortSignal
  /** Private folder of a host, gone with the lab: for keys and configuration. */
  folder(host: string): string
  run(host: string, argv: readonly string[], options?: CommandOptions): Promise<CommandResult>
  /** Starts a program that stays; its output goes to `<name>.log` in the host's folder. */
  daemon(
    host: string,
    name: string,
    argv: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<ProcessIdentity>
  /** Waits until `ready` is true. @throws X0tError BENCH_TUNNEL_DOWN with the end of the logs */
  until(what: string, ready: () => Promise<boolean>, withinMs?: number): Promise<void>
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
  const { folder, plan, run } = bed
  const daemons: { readonly host: string; readonly name: string; readonly identity: ProcessIdentity }[] = []
  const namespaceOf = (host: string): string => plannedHost(plan, host).namespace
  const logs = async (): Promise<string> => {
    const texts = daemons.map(async ({ host, name }) => {
      const text = await readFile(join(folder.hostFolder(host), `${name}.log`), 'utf8').catch(() => '')
      return `${host} ${name}: ${text.trim().split('\n').slice(-4).join(' | ') || '(silent)'}`
    })
    return (await Promise.all(texts)).join('\n  ')
  }
  return {
    bed,
    hosts: topology.hosts,
    first: topology.hosts[0]!,
    last: topology.hosts.at(-1)!,
    links: plan.links,
    signal,
    folder: (host) => folder.hostFolder(host),
    run: (host, argv, more = {}) => run(inNamespace(namespaceOf(host), argv), { signal, ...more }),
    async daemon(host, name, argv, more = {}) {
      const [file, ...words] = inNamespace(namespaceOf(host), argv)
      await using log = await open(join(folder.hostFolder(host), `${name}.log`), 'a', 0o600)
      const child = spawn(file!, words, {
        cwd: folder.hostFolder(host),
        detached: true,
        env: { ...env, ...more },
        stdio: ['ignore', log.fd, log.fd],
      })
      await once(child, 'spawn')
      child.unref()
      const facts = await readProcess(child.pid!)
      if (facts === undefined) throw new X0tError('BENCH_TUNNEL_DOWN', `${name} on ${host} ended at once`)
      const identity = { pid: facts.pid, startTicks: facts.startTicks }
      daemons.push({ host, name, identity })
      return identity
    },
    async until(what, ready, withinMs = 30_000) {
      const deadline = bed.clock.monotonicMs() + withinMs
      while (!(await ready())) {
        if (bed.clock.monotonicMs() > deadline) {
          throw new X0tError(
            'BENCH_TUNNEL_DOWN',
            `${what}: not within ${withinMs / 1000} s\n  ${await logs()}`,
          )
        }
        await delay(50, undefined, { signal })
      }
    },
    [Symbol.asyncDispose]: () => bed[Symbol.asyncDispose](),
  }
}
