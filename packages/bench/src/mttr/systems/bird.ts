import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessIdentity, Run } from '@x0t/testbed'
import type { BedTools } from '../../bed-tools.ts'
import { versionOf } from '../../tunnel.ts'
import type { Alarm, MttrSystem, Reactions } from '../system.ts'
import { birdAlarms, birdConfig, type BfdTimers } from './bird-config.ts'
import { indexOf, loopbackOf, vethLinks, type RoutedLink } from './routed-link.ts'
import { prepareRouterKernel } from './router-kernel.ts'
import { runPrepared } from './run-prepared.ts'
import { wallOffsetMs } from './wall-offset.ts'
import { adjacenciesAreUp } from './wholeness.ts'

export const birdPrograms = [{ program: 'bird', package: 'bird2' }] as const

/** BIRD on every host, eBGP over every link with BFD; kernels forward. */
export function bird(name: string, timers: BfdTimers): MttrSystem {
  return {
    name,
    programs: birdPrograms,
    setup: `${name}: eBGP per link, ${describeBird(timers)}; kernels forward, nothing is encrypted`,
    forwards: 'kernel',
    version: birdVersion,
    start: (tools) =>
      runPrepared(
        tools,
        {
          addressOf: (host) => loopbackOf(tools.bed.plan, host),
          startHost: async (host) => [await startBird(tools, host, vethLinks(tools.bed.plan, host), timers)],
        },
        {
          isWhole: () => adjacenciesAreUp(tools, 'bird', (host) => vethLinks(tools.bed.plan, host)),
          reactions: birdReactions(tools),
          alarms: birdAlarmsOf(tools),
        },
      ),
  }
}

export const birdVersion = (run: Run): Promise<string> => versionOf(run, ['bird', '--version'], 'bird2')

/** The settings that decide how fast it heals. */
export function describeBird({ intervalMs, multiplier }: BfdTimers): string {
  return `BFD ${intervalMs} ms × ${multiplier}, check link yes, reconnecting after 1 s`
}

/** Starts BIRD on a host; what it routes over must be there. */
export async function startBird(
  tools: BedTools,
  host: string,
  links: readonly RoutedLink[],
  timers: BfdTimers,
): Promise<ProcessIdentity> {
  const { plan } = tools.bed
  const folder = tools.folder(host)
  const own = {
    index: indexOf(plan, host),
    loopback: loopbackOf(plan, host),
    logFile: logFileOf(tools, host),
  }
  const path = join(folder, 'bird.conf')
  await writeFile(
    path,
    birdConfig(own, links, (neighbour) => indexOf(plan, neighbour), timers),
  )
  const [socket, pidFile] = [join(folder, 'bird.ctl'), join(folder, 'bird.pid')]
  await rm(socket, { force: true }) // of one that was killed
  await prepareRouterKernel(tools, host)
  return tools.daemon(host, 'bird', ['bird', '-f', '-c', path, '-s', socket, '-P', pidFile], { TZ: 'UTC' })
}

/** When the first of the daemons said that it lost a neighbour, from their logs. */
export function birdReactions(tools: BedTools): (sinceMs: number) => Promise<Reactions> {
  const alarmsOf = birdAlarmsOf(tools)
  return async (sinceMs) => {
    const alarms = await alarmsOf(sinceMs)
    return alarms.length === 0 ? {} : { detectedMs: Math.min(...alarms.map(({ atMs }) => atMs)) }
  }
}

/** Neighbours that the daemons said they lost, from their logs. */
export function birdAlarmsOf(tools: BedTools): (sinceMs: number) => Promise<readonly Alarm[]> {
  return async (sinceMs) => {
    const offsetMs = wallOffsetMs()
    const alarms: Alarm[] = []
    for (const { name } of tools.bed.plan.hosts) {
      const log = await readFile(logFileOf(tools, name), 'utf8').catch(() => '')
      for (const atMs of birdAlarms(log, sinceMs + offsetMs))
        alarms.push({ host: name, event: 'neighbour-lost', atMs: atMs - offsetMs })
    }
    return alarms.toSorted((a, b) => a.atMs - b.atMs)
  }
}

function logFileOf(tools: BedTools, host: string): string {
  return join(tools.folder(host), 'bird-events.log')
}
