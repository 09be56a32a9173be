// Over 300 lines, and one piece: the owner of both workers; every method tells them of one change and keeps the record.
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { hasCode, messageOf, X0tError, type Log } from '@x0t/core'
import { createArena } from './arena.ts'
import { openCarrierSockets } from './carrier-sockets.ts'
import type { Command, Report, RouteEntry, WorkerOptions } from './commands.ts'
import type { DataPlaneEvent, Neighbour, RouteTarget, SecurityAssociation } from './contract.ts'
import { chooseFastPath, type FastPathChoice, type FastPathStatus } from './fast-path-choice.ts'
import type { KernelPacing } from './fast-path.ts'
import type { KernelCounter } from './fast-path-layout.ts'
import type { KernelLink } from './fast-path-tables.ts'
import { withKernelCounters } from './kernel-stats.ts'
import { errnoName } from './kernel.ts'
import { openLibc } from './libc.ts'
import { maxDatagramBytes, maxRoutes, minDatagramBytes } from './limits.ts'
import { createLinkRegistry, type LinkTraffic } from './link-registry.ts'
import { createPeers, full } from './peers.ts'
import type { ProbeInterval } from './probe-pace.ts'
import {
  allocateSharedBuffers,
  readStats,
  receptionWords,
  unitsSentWord,
  viewSharedState,
  type Stats,
} from './shared-state.ts'
import { decodeSocketAddress } from './socket-address.ts'
import { maxRemaining } from './planes.ts'
import type { ThreadPriority } from './thread-priority.ts'
import { openTunDevice } from './tun-device.ts'
import { openUdpSocket } from './udp-socket.ts'

export interface DataPlaneOptions {
  /** First 8 bytes of this node's id. */
  readonly selfLabel: Uint8Array
  /** This node's overlay address, 16 bytes. */
  readonly selfAddress: Uint8Array
  /** Where to listen; all addresses and any free port by default. */
  readonly udp?: { readonly host?: string; readonly port?: number }
  /** The TUN device; without it the node only relays. */
  readonly tun?: { readonly name?: string; readonly mtu?: number } | undefined
  /** Classes of traffic (DSCP, 0 to 63) that go on both trees at once, whoever they are for. */
  readonly hitlessDscp?: readonly number[]
  /**
   * Probes to each neighbour: every 10 ms on short links and less often on long or unsteady ones by default
   * (`auto`), or at a fixed interval down to 1 ms; a link is down after 3 misses by default. The slower side of a
   * link decides the interval.
   */
  readonly probe?: { readonly interval?: ProbeInterval; readonly misses?: number }
  /** Probes and forwards in the kernel; without it this process does. */
  readonly fastPath?: FastPathChoice
  readonly log: Log
}

/** A running data plane: TUN and UDP in worker threads, told what to do by its owner. */
export interface DataPlane extends AsyncDisposable {
  /** The UDP port it listens on. */
  readonly port: number
  readonly tunName: string | undefined
  readonly tunMtu: number
  /** Why there is no TUN although one was asked for; the rest works. */
  readonly tunProblem: X0tError | undefined
  /**
   * Adds a neighbour or changes it. New keys make a second link: the old one stays until the new one lives, and
   * for 5 s more. A changed endpoint or carrier alone keeps the link.
   * @throws X0tError DATA_PLANE_FULL
   */
  setNeighbour(neighbour: Neighbour): void
  removeNeighbour(id: string): void
  /** Replaces all routes. @throws X0tError DATA_PLANE_FULL */
  setRoutes(routes: readonly RouteTarget[]): void
  /** Installs an SA for receiving; sending starts with {@link DataPlane.useForSending}. @throws X0tError DATA_PLANE_FULL */
  addSession(association: SecurityAssociation): void
  /** From now on the peer of this SA, named by our own SPI, gets its packets under it. */
  useForSending(localSpi: number): void
  removeSession(localSpi: number): void
  /** Frames that came over the neighbour's control connection (carrier `tls`). */
  injectCarrierFrames(neighbourId: string, bytes: Uint8Array): void
  /** Calls `listener` for each event; the returned function ends that. */
  onEvent(listener: (event: DataPlaneEvent) => void): () => void
  stats(): Stats
  /** Whether the kernel or this process probes and forwards, and why. */
  fastPath(): FastPathStatus
  /** What the kernel knows of the link to a neighbour; undefined where it does not carry it. */
  kernelLink(neighbourId: string): KernelLink | undefined
  /** What the program in the kernel has counted; in {@link DataPlane.stats} too, as far as they are of one kind. */
  kernelCounters(): Readonly<Record<KernelCounter, number>> | undefined
  /** How evenly the kernel's probes go out; undefined where it sends none. */
  kernelPacing(): KernelPacing | undefined
  /** Local link ids that an earlier process's links still use: not to be chosen anew. */
  readonly takenLinkIds: ReadonlySet<number>
  /** Neighbours whose packets the kernel went on forwarding while this node was down. */
  readonly keptNeighbours: number
  /** How the kernel schedules the thread that probes and receives; undefined until, or unless, it says. */
  priority(): ThreadPriority | undefined
  /** What went over the links of a neighbour since it was added, headers of the mesh included. */
  traffic(neighbourId: string): LinkTraffic
  /** Labels of the members that sent us something, or were sent something, since the last call. */
  peersWithTraffic(): readonly Uint8Array[]
}

const defaultTunName = 'x0t0'
/** A packet of this size, sealed, fits one datagram of an IPv4 path of 1,500 bytes and of an IPv6 one of 1,480. */
const defaultTunMtu = 1360
const closingMs = 3000

/**
 * Opens the UDP socket and, if asked for, the TUN device, and starts the workers.
 * @throws X0tError UDP_UNAVAILABLE, TUN_UNAVAILABLE, TUN_SETUP_FAILED
 */
export async function openDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { log } = options
  const wanted = options.probe?.interval ?? 'auto'
  const interval = wanted === 'auto' ? wanted : Math.max(1, Math.round(wanted))
  const misses = Math.max(1, Math.round(options.probe?.misses ?? 3))
  await using stack = new AsyncDisposableStack()
  const libc = openLibc()
  const arena = createArena(65_536, libc)
  const owned = (fd: number): number => {
    stack.defer(() => void libc.close(fd))
    return fd
  }

  const udp = openUdpSocket(libc, arena, { host: options.udp?.host ?? '::', port: options.udp?.port ?? 0 })
  owned(udp.fd)
  const tunMtu = options.tun?.mtu ?? defaultTunMtu
  let tunFd = -1
  let tunName: string | undefined
  let tunProblem: X0tError | undefined
  if (options.tun !== undefined) {
    try {
      const name = options.tun.name ?? defaultTunName
      const tun = await openTunDevice(libc, arena, { name, mtu: tunMtu, address: options.selfAddress })
      tunFd = owned(tun.fd)
      tunName = tun.name
    } catch (error) {
      if (!(error instanceof X0tError) || !hasCode(error, 'TUN_FORBIDDEN')) throw error
      tunProblem = error
      log.warn('tun-forbidden', { message: error.message, hint: error.hint })
    }
  }

  const carrier = openCarrierSockets(libc, arena)
  if ('error' in carrier) log.warn('carrier-unwatched', { reason: errnoName(carrier.error) })
  else for (const fd of [carrier.monitorFd, carrier.queryFd]) owned(fd)
  const { monitorFd, queryFd } = 'error' in carrier ? { monitorFd: -1, queryFd: -1 } : carrier

  const chosen = await chooseFastPath(options.fastPath, { ...options, port: udp.port, tunName, misses })
  const { fastPath } = chosen
  if (fastPath !== undefined) stack.use(fastPath)

  const shared = allocateSharedBuffers()
  const state = viewSharedState(shared)
  const listeners = new Set<(event: DataPlaneEvent) => void>()
  const emit = (event: DataPlaneEvent): void => {
    for (const listener of listeners) listener(event)
  }

  // Links, peers and sessions, as told to the workers.
  const peers = createPeers()

  const eventFds = {
    send: owned(libc.eventfd(0, 0x80000 | 0x800)),
    receive: owned(libc.eventfd(0, 0x80000 | 0x800)),
  }
  const one = arena.allocate(8)
  arena.view.setBigUint64(one, 1n, true)
  const roles = tunFd < 0 ? (['receive'] as const) : (['receive', 'send'] as const)
  const workers = new Map<'send' | 'receive', Worker>()
  const tell = (command: Command, only?: 'send' | 'receive'): void => {
    // First, so that the workers find in the kernel's memory what they are told of.
    fastPath?.apply(command)
    for (const role of roles) {
      if (only !== undefined && only !== role) continue
      workers.get(role)?.postMessage(command)
      libc.write(eventFds[role], arena.pointer(one), 8)
    }
  }
  const links = createLinkRegistry(state, tell, fastPath)
  fastPath?.onJudged(() => tell({ kind: 'kernel-event' }, 'receive'))
  const seenUnits = new Map<number, number>()
  let priority: ThreadPriority | undefined

  const onReport = (report: Report): void => {
    switch (report.kind) {
      case 'link-up':
      case 'link-down': {
        const link = links.get(report.slot)
        if (link === undefined) return
        const { neighbour } = link
        if (!links.judged(link, report.kind === 'link-up')) return
        if (report.kind === 'link-up') emit({ kind: 'neighbour-up', neighbour })
        else emit({ kind: 'neighbour-down', neighbour, reason: report.reason })
        return
      }
      case 'endpoint': {
        const link = links.get(report.slot)
        if (link === undefined) return
        link.endpoint = decodeSocketAddress(report.endpoint)
        tell({ kind: 'endpoint', slot: report.slot, endpoint: report.endpoint }, 'send')
        emit({ kind: 'endpoint', neighbour: link.neighbour, endpoint: link.endpoint })
        return
      }
      case 'metric': {
        const link = links.get(report.slot)
        if (link === undefined || link.retiring !== undefined) return
        const { slot, ...measured } = report
        const lossToRatio = measured.lossToRatio ?? 0
        fastPath?.lossSeen(slot, 1 - (1 - measured.lossRatio) * (1 - lossToRatio))
        const { neighbour, endpoint, carrier } = link
        emit({ ...measured, neighbour, endpoint, carrier })
        return
      }
      case 'stalled':
        log.debug('stalled', { forMs: Math.round(report.forMs) })
        emit(report)
        return
      case 'priority':
        priority = report.priority
        if (priority.policy === 'other') log.info('data-plane-priority', { ...priority })
        return
      case 'udp-works': {
        const link = links.get(report.slot)
        if (link !== undefined) emit({ kind: 'udp-works', neighbour: link.neighbour })
        return
      }
      case 'need-session':
        peers.labelOf(report.peer, (label) => emit({ kind: 'need-session', label }))
        return
      case 'path-suspect':
        peers.labelOf(report.peer, (label) => {
          const { kind, neighbour, evidence } = report
          emit({ kind, label, neighbour, evidence })
        })
        return
      case 'path-clear':
        peers.labelOf(report.peer, (label) => {
          const { kind, neighbour, reason } = report
          emit({ kind, label, neighbour, reason })
        })
        return
      case 'rekey-due':
      case 'session-used':
        emit(report)
        return
      case 'frames':
        emit({ kind: 'carrier-frames', neighbour: report.neighbour, bytes: report.bytes })
        return
      case 'failed':
        log.error('data-plane-failed', { message: report.message })
        emit({ kind: 'failed', error: new X0tError('DATA_PLANE_FAILED', report.message) })
    }
  }

  let closing = false
  const stopWorkers = (): void => {
    closing = true
    tell({ kind: 'stop' })
  }
  // A worker blocks in poll(): process.exit() would wait for its timeout.
  process.on('exit', stopWorkers)
  stack.defer(() => void process.off('exit', stopWorkers))
  for (const role of roles) {
    const other = role === 'send' ? 'receive' : 'send'
    const workerData: WorkerOptions = {
      role,
      shared,
      tunFd,
      udpFd: udp.fd,
      udpPort: udp.port,
      monitorFd,
      queryFd,
      wakeFd: eventFds[role],
      otherWakeFd: eventFds[other],
      selfLabel: options.selfLabel,
      selfAddress: options.selfAddress,
      hitlessDscp: options.hitlessDscp ?? [],
      probeInterval: interval,
      probeMisses: misses,
      fastPath: fastPath && { address: libc.addressOf(fastPath.memory), bytes: fastPath.memory.byteLength },
    }
    const cacheFolder = getCompileCacheDir()
    const worker = new Worker(new URL('worker-start.js', import.meta.url), {
      workerData,
      // The cache names a folder of its own below the one it is given.
      argv: cacheFolder === undefined ? [] : [dirname(cacheFolder)],
      name: `x0t-${role}`,
      // Not the owner's own flags: --input-type or --import are not for these files.
      execArgv: ['--disable-warning=ExperimentalWarning', ...process.execArgv.filter(isProfilerFlag)],
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
    })
    workers.set(role, worker)
    worker.on('message', onReport)
    worker.on('error', (error) =>
      onReport({ kind: 'failed', message: `${role} worker: ${messageOf(error)}` }),
    )
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        workers.delete(role)
        if (!closing) onReport({ kind: 'failed', message: `${role} worker ended` })
        resolve()
      })
    })
    stack.defer(async () => {
      stopWorkers()
      const timer = setTimeout(() => void worker.terminate(), closingMs)
      await ended
      clearTimeout(timer)
    })
  }
  stack.defer(() => links.close())
  const resources = stack.move()

  return {
    port: udp.port,
    tunName,
    tunMtu,
    tunProblem,
    setNeighbour(neighbour) {
      checkLength('send key', neighbour.sendKey, 16)
      checkLength('receive key', neighbour.receiveKey, 16)
      links.set(neighbour)
    },
    removeNeighbour: (id) => links.remove(id),
    setRoutes(routes) {
      if (routes.length > maxRoutes) throw full('routes', maxRoutes)
      const entries: RouteEntry[] = routes.map(
        ({
          label,
          address,
          nextHop,
          feasibleUs,
          alternate,
          red,
          blue,
          hitless = false,
          pathDatagramBytes,
        }) => {
          checkLength('label', label, 8)
          checkLength('address', address, 16)
          const size = Math.min(maxDatagramBytes, Math.max(minDatagramBytes, Math.floor(pathDatagramBytes)))
          return {
            label,
            address,
            peer: peers.indexOf(label),
            nextHop,
            feasibleUs: toRemaining(feasibleUs),
            alternate: alternate && { ...alternate, remaining: toRemaining(alternate.remaining) },
            red: red && { ...red, hops: toRemaining(red.hops) },
            blue: blue && { ...blue, hops: toRemaining(blue.hops) },
            hitless,
            pathDatagramBytes: size,
          }
        },
      )
      tell({ kind: 'routes', routes: entries })
      peers.setRouted(entries.map(({ peer }) => peer))
    },
    addSession(association) {
      const { peer, suite, localSpi, remoteSpi, sendKey, sendSalt, receiveKey, receiveSalt } = association
      checkLength('label', peer.label, 8)
      checkLength('address', peer.address, 16)
      for (const key of [sendKey, receiveKey]) checkLength('session key', key, 32)
      for (const salt of [sendSalt, receiveSalt]) checkLength('salt', salt, 4)
      const keys = { suite, localSpi, remoteSpi, sendKey, sendSalt, receiveKey, receiveSalt }
      const index = peers.addSession(localSpi, peer.label)
      tell({ kind: 'session', peer: index, address: peer.address, ...keys })
    },
    useForSending: (localSpi) => tell({ kind: 'use', localSpi }),
    removeSession(localSpi) {
      peers.removeSession(localSpi)
      tell({ kind: 'forget', localSpi })
    },
    injectCarrierFrames: (neighbour, bytes) => tell({ kind: 'frames', neighbour, bytes }, 'receive'),
    onEvent(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    stats: () => withKernelCounters(readStats(state), fastPath?.counters()),
    fastPath: () => chosen.status(),
    kernelLink: (id) => fastPath?.linkOf(id),
    kernelCounters: () => fastPath?.counters(),
    kernelPacing: () => fastPath?.pacing(),
    takenLinkIds: new Set(fastPath?.inherited?.linkIds.keys()),
    keptNeighbours: fastPath?.inherited?.neighbours ?? 0,
    priority: () => priority,
    traffic: (id) => links.traffic(id),
    peersWithTraffic: () =>
      peers.all().flatMap(([label, index]) => {
        const at = index * receptionWords
        const units = (state.reception[at]! + state.reception[at + unitsSentWord]!) >>> 0
        const isActive = units !== (seenUnits.get(index) ?? 0)
        seenUnits.set(index, units)
        return isActive ? [label] : []
      }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

function isProfilerFlag(flag: string): boolean {
  return flag.startsWith('--cpu-prof')
}

/** A distance as the header holds it. */
function toRemaining(distance: number): number {
  return Math.max(0, Math.min(maxRemaining, Math.floor(distance)))
}

function checkLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`a ${what} has ${length} bytes, not ${bytes.length}`)
}
