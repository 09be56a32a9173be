import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { X0tError } from '@x0t/core'
import type { HostRunner, RunnerContext } from './host-runner.ts'
import { linksOf, plannedHost } from './network-plan.ts'
import { inNamespace } from './run-command.ts'

/** Runs any program as a host; its output goes to `log` in the host's folder. Up means: it has been started. */
export function argvRunner(template: readonly string[], context: RunnerContext): HostRunner {
  const { folder, manifest, env } = context
  return {
    async start({ host }) {
      const home = folder.hostFolder(host)
      const neighbours = linksOf(manifest.plan, host).map(({ other }) => other.ipv4)
      const words = template.map((word) =>
        word
          .replaceAll('{host}', host)
          .replaceAll('{home}', home)
          .replaceAll('{neighbours}', neighbours.join(',')),
      )
      const [file, ...rest] = inNamespace(plannedHost(manifest.plan, host).namespace, words)
      await using log = await open(join(home, 'log'), 'a', 0o600)
      const child = spawn(file!, rest, {
        cwd: home,
        detached: true,
        env: { ...env },
        stdio: ['ignore', log.fd, log.fd],
      })
      try {
        await once(child, 'spawn')
      } catch (error) {
        throw new X0tError('TESTBED_HOST_START_FAILED', `cannot start ${file!} for host ${host}`, {
          cause: error,
        })
      }
      child.unref()
      return { pid: child.pid!, details: {} }
    },
  }
}
