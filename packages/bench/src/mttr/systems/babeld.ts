import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessIdentity, Run } from '@x0t/testbed'
import type { BedTools } from '../../bed-tools.ts'
import { versionOf } from '../../tunnel.ts'
import type { MttrSystem, Reactions } from '../system.ts'
import { babeldConfig, type BabeldSettings } from './babeld-config.ts'
import { firstRouteChange } from './route-changes.ts'
import { loopbackOf, vethLinks, type RoutedLink } from './routed-link.ts'
import { prepareRouterKernel } from './router-kernel.ts'
import { runPrepared } from './run-prepared.ts'
import { wallOffsetMs } from './wall-offset.ts'
import { adjacenciesAreUp } from './wholeness.ts'

export const babeldPrograms = [{ program: 'babeld', package: 'babeld' }] as const

/** babeld on every host; kernels forward. */
export function babeld(name: string, settings: BabeldSettings): MttrSystem {
  return {
    name,
    programs: babeldPrograms,
    setup: `${name}: ${describeBabeld(settings)}; kernels forward, nothing is encrypted`,
    forwards: 'kernel',
    version: babeldVersion,
    async start(tools) {
      await watchRoutes(tools)
      const startHost = async (host: string): Promise<readonly ProcessIdentity[]> => [
        await startBabeld(tools, host, vethLinks(tools.bed.plan, host), settings),
      ]
      const addressOf = (host: string): string => loopbackOf(tools.bed.plan, host)
      return runPrepared(
        tools,
        { addressOf, startHost },
        {
          isWhole: () => adjacenciesAreUp(tools, 'babel', (host) => vethLinks(tools.bed.plan, host)),
          reactions: babeldReactions(tools),
        },
      )
    },
  }
}

export const babeldVersion = (run: Run): Promise<string> => versionOf(run, ['babeld', '-V'], 'babeld')

/** The settings that decide how fast it heals. */
export function describeBabeld(settings: BabeldSettings): string {
  const { helloMs, updateMs, linkDetect, smoothingHalfLifeS } = settings
  return (
    `hello ${helloMs} ms, update ${updateMs} ms, link-detect ${linkDetect}, smoothing half-life ` +
    `${smoothingHalfLifeS} s, costs that keep the second path feasible`
  )
}

/** Starts babeld on a host; the interfaces must be there. */
export async function startBabeld(
  tools: BedTools,
  host: string,
  links: readonly RoutedLink[],
  settings: BabeldSettings,
): Promise<ProcessIdentity> {
  const folder = tools.folder(host)
  const [path, pidFile, stateFile] = ['babeld.conf', 'babeld.pid', 'babeld.state'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  const loopback = loopbackOf(tools.bed.plan, host)
  await writeFile(path, babeldConfig({ loopback, stateFile }, links, settings))
  await rm(pidFile, { force: true }) // of one that was killed: babeld would refuse to start
  await prepareRouterKernel(tools, host)
  return tools.daemon(host, 'babeld', ['babeld', '-I', pidFile, '-c', path])
}

/** Has `ip monitor` write down every change of a route on every host; babeld's own messages carry no times. */
export async function watchRoutes(tools: BedTools): Promise<void> {
  for (const { name } of tools.bed.plan.hosts)
    await tools.daemon(name, 'routes', ['ip', '-4', '-ts', 'monitor', 'route'], { TZ: 'UTC' })
}

/** When the first of the daemons changed a route: babeld had noticed before that, by the time it took to choose. */
export function babeldReactions(tools: BedTools): (sinceMs: number) => Promise<Reactions> {
  return async (sinceMs) => {
    const offsetMs = wallOffsetMs()
    const changes: number[] = []
    for (const { name } of tools.bed.plan.hosts) {
      const log = await readFile(join(tools.folder(name), 'routes.log'), 'utf8').catch(() => '')
      const change = firstRouteChange(log, 'babel', sinceMs + offsetMs)
      if (change !== undefined) changes.push(change - offsetMs)
    }
    return changes.length === 0 ? {} : { detectedMs: Math.min(...changes) }
  }
}
