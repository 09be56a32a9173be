import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import { openClient } from '@x0t/local-api'
import { startHost, type Bed, type RunnerSpec } from '@x0t/testbed'
import { wrongRoutes, type ProbedHost } from '../soak-probe.ts'
import { kernelsWatchAll, requireKernelPaths } from './kernel-watch.ts'
import { machineMs } from './machine-clock.ts'
import type { MttrSystem, Reactions, ToldEvent } from './system.ts'

/** Events by which a node shows that it noticed trouble with a link or a path. */
const alarms: readonly string[] = ['link-down', 'path-suspect', 'healing.detected']
/** Events by which traffic leaves a link or a path. */
const failovers: readonly string[] = ['link-down', 'path-suspect']
/** Events by which a node shows that the sensor that raised the alarm is quiet again. */
const verifications: readonly string[] = ['healing.mitigation-verified', 'healing.verified']

export interface X0tSystemOptions {
  readonly runner: Extract<RunnerSpec, { kind: 'x0t' }>
  /** In names of results; `x0t`, or `x0t-hitless`, where absent. */
  readonly name?: string
  /** Every datagram over two disjoint paths. */
  readonly hitless?: boolean
  /** The kernel watches the links and forwards. */
  readonly kernel?: KernelLiveness
}

/** How the kernel watches links. */
export interface KernelLiveness {
  /** Between two probes of a neighbour, ms: 0.25 to 1; the default of the node where absent. */
  readonly probeIntervalMs?: number
}

/** Real x0t nodes, enrolled and joined as users do it. */
export function x0tSystem({
  runner,
  hitless = false,
  kernel,
  name = hitless ? 'x0t-hitless' : 'x0t',
}: X0tSystemOptions): MttrSystem {
  const settings = {
    ...(kernel === undefined ? {} : kernelSettings(kernel)),
    ...runner.settings,
    ...(hitless ? { 'tunnel.hitless': 'all' } : {}),
  }
  const told = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  return {
    name,
    programs: [],
    setup: `${name}: ${told.length === 0 ? 'default settings' : told.join(', ')}; nodes joined with tokens`,
    isX0t: true,
    runner: { ...runner, settings },
    runnerFor: {
      'clock-jump': { ...runner, settings, movableClock: true },
      // The shortest life of a certificate, that one need not wait for its end for hours.
      'svid-expiry': { ...runner, settings: { ...settings, 'identity.svid_ttl': '1m' } },
    },
    hitless,
    forwards: kernel === undefined ? 'process' : 'kernel',
    // It tells itself when it is whole: no rest is needed after that.
    settleMs: 1000,
    async start({ bed, signal }) {
      if (kernel !== undefined) await requireKernelPaths(await probedHosts(bed))
      const stop = new AbortController()
      const events: ToldEvent[] = []
      const watches = bed.plan.hosts.map(({ name: host }) =>
        watchEvents(bed, host, events, AbortSignal.any([signal, stop.signal])),
      )
      const addresses = new Map<string, string>()
      for (const { name: host, overlayAddress } of await probedHosts(bed)) addresses.set(host, overlayAddress)
      return {
        addressOf: (host) => addresses.get(host)!,
        async processesOf(host) {
          const found = await bed.folder.process(host)
          return found === undefined ? [] : [{ pid: found.pid, startTicks: found.startTicks }]
        },
        restart: async (host) => void (await startHost(bed, host)),
        async isWhole() {
          const hosts = await probedHosts(bed)
          if (kernel !== undefined && !(await kernelsWatchAll(hosts))) return false
          return (await wrongRoutes(bed, hosts)).length === 0 && (await haveAlternates(hosts))
        },
        reactions: async (sinceMs) => reactionsOf(events, sinceMs),
        alarms: async (sinceMs) =>
          events.filter(({ event, atMs }) => atMs >= sinceMs && failovers.includes(event)),
        async [Symbol.asyncDispose]() {
          stop.abort()
          await Promise.all(watches)
        },
      }
    },
  }
}

/** Settings of a node by which the kernel watches its links; a node on which it cannot does not start. */
export function kernelSettings({ probeIntervalMs }: KernelLiveness): Readonly<Record<string, string>> {
  return {
    'fast_path.mode': 'on',
    ...(probeIntervalMs === undefined ? {} : { 'probe.kernel_interval': String(probeIntervalMs) }),
  }
}

/** The first alarm and the first verification since an instant. */
export function reactionsOf(events: readonly ToldEvent[], sinceMs: number): Reactions {
  // Nodes tell whole milliseconds, cut off: an alarm within the millisecond of the injection belongs to it.
  const later = events.filter(({ atMs }) => atMs >= sinceMs - 1).toSorted((a, b) => a.atMs - b.atMs)
  const detected = later.find(({ event }) => alarms.includes(event))
  const verified = later.find(({ event }) => verifications.includes(event))
  return {
    ...(detected === undefined ? {} : { detectedMs: Math.max(sinceMs, detected.atMs) }),
    ...(verified === undefined ? {} : { verifiedMs: verified.atMs }),
    told: later,
  }
}

/** Collects the events of a node until the signal; goes on after a crash and a restart of the node. */
async function watchEvents(bed: Bed, host: string, events: ToldEvent[], signal: AbortSignal): Promise<void> {
  const client = openClient({ socketPath: socketOf(bed, host) })
  const ids = new Map((await probedHosts(bed)).map(({ name, nodeId }) => [name, nodeId]))
  let newest = -Infinity
  while (!signal.aborted) {
    // A node begins with what it remembers: after an interruption that is known already.
    const known = newest
    try {
      for await (const { atMs, event, fields } of client.events({}, { signal })) {
        if (atMs <= known) continue
        newest = atMs
        const peer = bed.plan.hosts.find(({ name }) => ids.get(name) === fields['peer'])?.name
        const about = peer === undefined ? {} : { about: peer }
        events.push({ host, event, atMs: instantOf(atMs, Date.now(), machineMs()), ...about })
      }
    } catch {
      // The node is dead, or not up yet; what it did not tell is not in the report.
    }
    await delay(200, undefined, { signal }).catch(() => {})
  }
}

/**
 * Instant of an event on the machine's clock. Where the wall clock of the node is far off (it may have been made to
 * jump), when it was heard: that is some milliseconds late at most.
 */
export function instantOf(toldMs: number, heardWallMs: number, heardMs: number): number {
  const agoMs = heardWallMs - toldMs
  return agoMs >= -1 && agoMs < 5000 ? heardMs - agoMs : heardMs
}

/** True if every host that has two neighbours has a way round the first hop to every other host. */
async function haveAlternates(hosts: readonly ProbedHost[]): Promise<boolean> {
  const answers = await Promise.all(
    hosts.map(async ({ socketPath }) => {
      const client = openClient({ socketPath, timeoutMs: 5000 })
      const [{ routes }, { peers }] = await Promise.all([client.meshRoutes(), client.peers()])
      return peers.length < 2 || routes.every(({ hops, alternate }) => hops < 2 || alternate !== null)
    }),
  )
  return answers.every(Boolean)
}

async function probedHosts(bed: Bed): Promise<readonly ProbedHost[]> {
  return Promise.all(
    bed.plan.hosts.map(async ({ name, namespace }) => {
      const details = (await bed.folder.process(name))?.details ?? {}
      const { overlayAddress, nodeId } = details
      if (overlayAddress === undefined || nodeId === undefined)
        throw new X0tError('BENCH_TUNNEL_DOWN', `no x0t node runs on ${name}`)
      return { name, namespace, overlayAddress, nodeId, socketPath: socketOf(bed, name) }
    }),
  )
}

function socketOf(bed: Bed, host: string): string {
  return join(bed.folder.hostFolder(host), 'home', 'x0t.sock')
}
