import type { ProcessIdentity, Run } from '@x0t/testbed'
import type { BedTools } from '../../bed-tools.ts'
import { versionOf, type Program } from '../../tunnel.ts'
import type { MttrSystem, Reactions } from '../system.ts'
import type { BabeldSettings } from './babeld-config.ts'
import {
  babeldPrograms,
  babeldReactions,
  babeldVersion,
  describeBabeld,
  startBabeld,
  watchRoutes,
} from './babeld.ts'
import type { BfdTimers } from './bird-config.ts'
import { birdPrograms, birdReactions, birdVersion, describeBird, startBird } from './bird.ts'
import { loopbackOf, type RoutedLink } from './routed-link.ts'
import { runPrepared } from './run-prepared.ts'
import { adjacenciesAreUp } from './wholeness.ts'
import { prepareWireguardMesh, tunnelEnds } from './wireguard-links.ts'

/** A routing daemon over WireGuard tunnels. */
interface RoutingDaemon {
  /** As ip names it. */
  readonly protocol: 'babel' | 'bird'
  readonly programs: readonly Program[]
  readonly setup: string
  readonly version: (run: Run) => Promise<string>
  prepare?(tools: BedTools): Promise<void>
  start(tools: BedTools, host: string, links: readonly RoutedLink[]): Promise<ProcessIdentity>
  reactions(tools: BedTools): (sinceMs: number) => Promise<Reactions>
}

/** wireguard-go over every link with BIRD, BGP and BFD in the tunnels. */
export function wireguardBird(name: string, timers: BfdTimers): MttrSystem {
  return wireguardRouted(name, {
    protocol: 'bird',
    programs: birdPrograms,
    setup: `BIRD in the tunnels, eBGP per link, ${describeBird(timers)}`,
    version: birdVersion,
    start: (tools, host, links) => startBird(tools, host, links, timers),
    reactions: birdReactions,
  })
}

/** wireguard-go over every link with babeld in the tunnels. */
export function wireguardBabel(name: string, settings: BabeldSettings): MttrSystem {
  return wireguardRouted(name, {
    protocol: 'babel',
    programs: babeldPrograms,
    setup: `babeld in the tunnels, ${describeBabeld(settings)}`,
    version: babeldVersion,
    prepare: watchRoutes,
    start: (tools, host, links) => startBabeld(tools, host, links, settings),
    reactions: babeldReactions,
  })
}

/** Crash and freeze hit the tunnels of a host and its routing daemon together. */
function wireguardRouted(name: string, daemon: RoutingDaemon): MttrSystem {
  return {
    name,
    programs: [
      { program: 'wireguard-go', package: 'wireguard-go' },
      { program: 'wg', package: 'wireguard-tools' },
      ...daemon.programs,
    ],
    setup: `${name}: wireguard-go, a tunnel per link; ${daemon.setup}; kernels forward between tunnels`,
    forwards: 'process',
    async version(run) {
      const tunnel = await versionOf(run, ['wireguard-go', '--version'], 'wireguard-go')
      return `${tunnel} with ${daemon.programs[0]!.package} ${await daemon.version(run)}`
    },
    async start(tools) {
      const { plan } = tools.bed
      const mesh = await prepareWireguardMesh(tools)
      await daemon.prepare?.(tools)
      const startHost = async (host: string): Promise<readonly ProcessIdentity[]> => [
        ...(await mesh.startHost(host)),
        await daemon.start(tools, host, tunnelEnds(plan, host)),
      ]
      const addressOf = (host: string): string => loopbackOf(plan, host)
      return runPrepared(
        tools,
        { addressOf, startHost },
        {
          isWhole: () => adjacenciesAreUp(tools, daemon.protocol, (host) => tunnelEnds(plan, host)),
          reactions: daemon.reactions(tools),
        },
      )
    },
  }
}
