import { X0tError } from '@x0t/core'
import { prepareNebula } from '../../overlays/nebula.ts'
import { prepareTinc, tincPort } from '../../overlays/tinc.ts'
import { prepareYggdrasil, yggdrasilPort } from '../../overlays/yggdrasil.ts'
import { nebula as nebulaTunnel } from '../../peers/nebula.ts'
import { tinc as tincTunnel } from '../../peers/tinc.ts'
import { yggdrasil as yggdrasilTunnel } from '../../peers/yggdrasil.ts'
import type { Tunnel } from '../../tunnel.ts'
import type { MttrSystem } from '../system.ts'
import { streamPath } from './routed-link.ts'
import { runPrepared } from './run-prepared.ts'
import { connectionsAreUp } from './wholeness.ts'

/** A host tells the lighthouses of itself every 10 s, nebula's default, and by that gets its tunnels to them back. */
const nebulaSettleMs = 15_000

/** tinc; its timers are whole seconds, and 1 is the least. */
export function tinc(name: string, pingS: number | undefined): MttrSystem {
  const settings =
    pingS === undefined ? [] : [`PingInterval = ${pingS}`, `PingTimeout = ${pingS}`, `MaxTimeout = ${pingS}`]
  const timers = settings.length === 0 ? 'default timers' : settings.join(', ').replaceAll(' = ', ' ')
  return {
    ...likeTunnel(name, tincTunnel, `router mode, ${timers}; relays by itself`),
    start: async (tools) =>
      runPrepared(tools, await prepareTinc(tools, settings), {
        isWhole: () => connectionsAreUp(tools, tincPort),
      }),
  }
}

/** Nebula; its timers are whole seconds. Every host between the ends of the stream is lighthouse and relay. */
export function nebula(name: string, aliveS: number | undefined): MttrSystem {
  const settings =
    aliveS === undefined
      ? {}
      : {
          timers: { connection_alive_interval: aliveS, pending_deletion_interval: aliveS },
          handshakes: { try_interval: '20ms' },
        }
  const timers =
    aliveS === undefined
      ? 'default timers'
      : `connection_alive_interval ${aliveS} s, pending_deletion_interval ${aliveS} s (undocumented), try_interval 20 ms`
  return {
    ...likeTunnel(
      name,
      nebulaTunnel,
      `${timers}; every host between the ends of the stream is lighthouse and relay, one relay at most`,
    ),
    settleMs: nebulaSettleMs,
    async start(tools) {
      const { plan } = tools.bed
      const path = streamPath(plan)
      if (path.length > 3) {
        throw new X0tError(
          'BENCH_TUNNEL_DOWN',
          `nebula goes over one relay at most, and ${path.join('-')} has ${path.length - 2}`,
          { hint: '--shape diamond' },
        )
      }
      const ends = [path[0], path.at(-1)]
      const relays = plan.hosts.map(({ name: host }) => host).filter((host) => !ends.includes(host))
      return runPrepared(tools, await prepareNebula(tools, { relays, settings }))
    },
  }
}

/** Yggdrasil, which has no timers to set. */
export function yggdrasil(name: string): MttrSystem {
  return {
    ...likeTunnel(name, yggdrasilTunnel, 'TCP peerings along the links; it has no timers to set'),
    start: async (tools) =>
      runPrepared(tools, await prepareYggdrasil(tools), {
        isWhole: () => connectionsAreUp(tools, yggdrasilPort),
      }),
  }
}

/** What a mesh VPN has in common with its part in the throughput benchmark. */
function likeTunnel(name: string, tunnel: Tunnel, setup: string): Omit<MttrSystem, 'start'> {
  return {
    name,
    programs: tunnel.programs,
    version: (run) => tunnel.version!(run),
    setup: `${name}: ${setup}`,
    forwards: 'process',
  }
}
