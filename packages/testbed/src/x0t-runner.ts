import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, messageOf, X0tError } from '@x0t/core'
import { z } from 'zod'
import type { HostRunner, RunnerContext } from './host-runner.ts'
import { systemLaunch } from './launch.ts'
import type { RunnerSpec } from './manifest.ts'
import { withMovableClock } from './movable-clock.ts'
import { linkBetween, linksOf, plannedHost } from './network-plan.ts'
import { inNamespace } from './run-command.ts'

/** Port of control and data plane of every node; each has its own namespace. */
export const nodePort = 7800

/** How long a node may take to enrol and come up; many start at once on few cores. */
const startWithinMs = 120_000

/** What `x0t node start|join --detach --json` prints. Other fields may come. */
const readySchema = z.object({ pid: z.int(), nodeId: z.string(), overlayAddress: z.string() })
const invitationSchema = z.object({ token: z.string() })

/**
 * Runs real nodes through the x0t command: the first host makes the mesh, every other joins it with a token
 * of its own through a running neighbour.
 */
export function x0tRunner(spec: Extract<RunnerSpec, { kind: 'x0t' }>, context: RunnerContext): HostRunner {
  const { folder, manifest, run, env, launch = systemLaunch } = context
  const { plan } = manifest
  const homeOf = (host: string): string => join(folder.hostFolder(host), 'home')
  const firstHost = plan.hosts[0]!.name

  const clockOf = async (host: string): Promise<readonly string[]> =>
    spec.movableClock === true ? withMovableClock(folder, host) : []

  const x0t = async (
    host: string,
    words: readonly string[],
    signal: AbortSignal,
    input?: string,
  ): Promise<unknown> => {
    const full = [...(await clockOf(host)), ...spec.command, ...words, '--json']
    const argv = inNamespace(plannedHost(plan, host).namespace, full)
    const timeoutMs = startWithinMs
    try {
      const { stdout } = await run(argv, { signal, timeoutMs, ...(input === undefined ? {} : { input }) })
      return JSON.parse(stdout) as unknown
    } catch (error) {
      throw failed(host, words, error)
    }
  }

  /** As a service manager does: the node itself is started, not a command that starts it. */
  const startAgain = async (
    host: string,
    words: readonly string[],
    signal: AbortSignal,
  ): Promise<unknown> => {
    const logFile = join(homeOf(host), 'node.log')
    const full = [...(await clockOf(host)), ...spec.command, ...words, '--log-file', logFile, '--json']
    const argv = inNamespace(plannedHost(plan, host).namespace, full)
    const errorFile = join(folder.hostFolder(host), 'stderr')
    try {
      return JSON.parse(await launch({ argv, env, errorFile, timeoutMs: startWithinMs, signal })) as unknown
    } catch (error) {
      throw failed(host, words, error)
    }
  }

  const failed = (host: string, words: readonly string[], error: unknown): unknown => {
    if (hasCode(error, 'INTERRUPTED')) return error
    // The words, not the whole command: a token came by standard input and is in neither.
    const what = words.slice(0, 2).join(' ')
    return new X0tError('TESTBED_HOST_START_FAILED', `host ${host}, ${what}: ${messageOf(error)}`, {
      cause: error,
      hint: `the log of the host is in ${homeOf(host)}`,
    })
  }

  const writeConfig = async (host: string): Promise<void> => {
    const links = linksOf(plan, host)
    const endpoints = (addresses: readonly string[]): string =>
      `[${addresses.map((address) => JSON.stringify(`${address}:${nodePort}`)).join(', ')}]`
    await mkdir(homeOf(host), { recursive: true, mode: 0o700 })
    const lines = [
      '[node]',
      `name = ${JSON.stringify(host)}`,
      '[network]',
      `listen = ["0.0.0.0:${nodePort}", "[::]:${nodePort}"]`,
      `bootstrap = ${endpoints(links.map(({ other }) => other.ipv4))}`,
      `advertise = ${endpoints(links.map(({ own }) => own.ipv4))}`,
      'mdns = false',
    ]
    await writeFile(join(homeOf(host), 'config.toml'), `${lines.join('\n')}\n`, { mode: 0o600 })
  }

  return {
    async start({ host, via, first, signal }) {
      const common = ['--home', homeOf(host)]
      for (const [key, value] of Object.entries(spec.settings)) common.push('--set', `${key}=${value}`)
      let ready: unknown
      if (!first) {
        ready = await startAgain(host, ['node', 'start', ...common], signal)
      } else if (via === undefined) {
        if (host !== firstHost) {
          throw new X0tError(
            'TESTBED_HOST_START_FAILED',
            `host ${host} has no way to the mesh that ${firstHost} made`,
            {
              hint: 'every host of a mesh needs a path of links to the first one',
            },
          )
        }
        await writeConfig(host)
        ready = await x0t(host, ['node', 'start', ...common, '--detach', '--mesh', plan.bed], signal)
      } else {
        await writeConfig(host)
        const link = linkBetween(plan, host, via)
        const address = link.a.host === via ? link.a.ipv4 : link.b.ipv4
        const invite = ['node', 'invite', '--home', homeOf(firstHost), '--name', host]
        const { token } = invitationSchema.parse(await x0t(firstHost, invite, signal))
        ready = await x0t(
          host,
          ['node', 'join', '-', '--via', `${address}:${nodePort}`, ...common, '--detach'],
          signal,
          token,
        )
      }
      const { pid, nodeId, overlayAddress } = readySchema.parse(ready)
      return { pid, details: { nodeId, overlayAddress } }
    },
  }
}
