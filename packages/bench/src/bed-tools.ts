import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import {
  inNamespace,
  plannedHost,
  readProcess,
  type Bed,
  type CommandOptions,
  type CommandResult,
  type ProcessIdentity,
} from '@x0t/testbed'

/** What bringing up a tunnel or a routing system on the hosts of a testbed takes. The bed ends all daemons. */
export interface BedTools {
  readonly bed: Bed
  readonly signal: AbortSignal
  /** Private folder of a host, gone with the bed: for keys and configuration. */
  folder(host: string): string
  /** Runs a program on a host to its end. */
  run(host: string, argv: readonly string[], options?: CommandOptions): Promise<CommandResult>
  /** Starts a program that stays, leader of a process group; its output goes to `<name>.log` in the host's folder. */
  daemon(
    host: string,
    name: string,
    argv: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<ProcessIdentity>
  /** Waits until `ready` is true. @throws X0tError BENCH_TUNNEL_DOWN with the end of the logs */
  until(what: string, ready: () => Promise<boolean>, withinMs?: number): Promise<void>
}

/** Tools on the hosts of a bed. Commands end with the bed's signal. */
export function bedTools(bed: Bed): BedTools {
  const { folder, plan, run, env, signal } = bed
  const daemons: { readonly host: string; readonly name: string }[] = []
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
      if (!daemons.some((one) => one.host === host && one.name === name)) daemons.push({ host, name })
      return { pid: facts.pid, startTicks: facts.startTicks }
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
  }
}
