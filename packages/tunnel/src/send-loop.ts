// Over 300 lines, and one piece: the path of a packet from the TUN to the wire, whose steps share the arena.
import type { AeadFactory } from './aead.ts'
import { aeadTagBytes } from './aead.ts'
import type { Arena } from './arena.ts'
import type { Command, Report } from './commands.ts'
import { createDatagramSender } from './datagram-sender.ts'
import type { HopRoutines } from './hop-routines.ts'
import { dscpOf, ipv6Bytes, isFrom, unitKind, virtio, virtioBytes } from './inner-packet.ts'
import { errno, type Kernel } from './kernel.ts'
import { noKernelView, type KernelView } from './kernel-view.ts'
import { maxPeers, maxUnitBytes, rekeyAfterUnits, stopAfterUnits } from './limits.ts'
import { createLinks } from './links.ts'
import { protections } from './loss-adaptation.ts'
import { createPathProbing } from './path-probing.ts'
import { createForwarding, createHop, plane } from './planes.ts'
import { addressWords, createRoutes, type Route } from './routes.ts'
import { receptionWords, stat, trafficCell, unitsSentWord, type SharedState } from './shared-state.ts'
import { sliceTcp } from './tcp-slices.ts'
import { createUnitSender, takeCountersFrom, type SendingSa } from './unit-sender.ts'
import { createWaitingPackets } from './waiting-packets.ts'

/** From the TUN to the wire: reads packets, packs small ones, seals, cuts, sends. */
export interface SendLoop {
  apply(command: Command): void
  /** Reads the TUN until it is empty or the batch is full; true if there may be more. */
  sendBatch(): boolean
  /** Sends reports of losses and echoes to peers, as often as is due, and judges the ways to them. */
  sendReports(nowMs: number): void
  /** When {@link SendLoop.sendReports} is due next, ms. */
  nextAtMs(): number
}

/** Packets shorter than this share a unit. */
const smallPacketBytes = 2048
/** Packets read before commands and reports get their turn. */
const batchPackets = 512
const packHeadBytes = 2
const reportIntervalMs = 20
const needSessionIntervalMs = 500
/** A report repeats even without loss after this many fragments, so that the sender can leave a level. */
const reportAfterFragments = 4096

export function createSendLoop({
  kernel,
  arena,
  routines,
  shared,
  openAead,
  tunFd,
  udpFd,
  selfAddress,
  hitlessDscp = [],
  kernelView = noKernelView,
  nowMs,
  report,
  wakeReceiver,
}: {
  readonly kernel: Kernel
  readonly arena: Arena
  readonly routines: HopRoutines
  readonly shared: SharedState
  readonly openAead: AeadFactory
  readonly tunFd: number
  readonly udpFd: number
  readonly selfAddress: Uint8Array
  /** Classes of traffic (DSCP, 0 to 63) that go on both trees, whoever they are for. */
  readonly hitlessDscp?: readonly number[]
  readonly kernelView?: Pick<KernelView, 'isDown'>
  readonly nowMs: () => number
  readonly report: (report: Report) => void
  /** Makes the receiving worker look for what has come. */
  readonly wakeReceiver: () => void
}): SendLoop {
  const stats = shared.sendStats
  const { bytes, view } = arena
  const links = createLinks(arena, shared.linkAlive, kernelView)
  const routes = createRoutes()
  const forwarding = createForwarding(links)
  const sender = createDatagramSender({
    arena,
    kernel,
    udpFd,
    mayWait: true,
    stats,
    traffic: { cells: shared.linkTraffic, cell: trafficCell.bySender },
    frames: (neighbour, frames) => report({ kind: 'frames', neighbour, bytes: frames }),
  })
  const sendUnit = createUnitSender({
    arena,
    routines,
    sender,
    takeCounters: takeCountersFrom(shared.hopCounter),
    stats,
  })
  const selfWords = addressWords(selfAddress)
  /** SA in use, by peer; and all that are installed, by our own SPI. */
  const sending: (SendingSa | undefined)[] = Array.from({ length: maxPeers })
  const installed = new Map<number, { readonly sa: SendingSa; readonly peer: number }>()
  const waiting = createWaitingPackets()
  const askedAtMs = new Map<number, number>()
  const reported = new Int32Array(receptionWords * maxPeers)
  const reportedAtMs = new Float64Array(maxPeers)
  let highestPeer = -1

  // A packet lands with room before it, so that the first of a pack need not move, and for the tag after it.
  const roomBytes = 64
  const landingAt = arena.allocate(roomBytes + maxUnitBytes + 1024) + roomBytes
  const landing = arena.pointer(landingAt)
  const packAt = arena.allocate(maxUnitBytes + 1024)
  const sliceAt = arena.allocate(maxUnitBytes + 1024)
  let packRoute: Route | undefined
  let packHitless = false
  let packBytes = 0
  let packItems = 0
  let lastRoute: Route | undefined

  const hops = [createHop(), createHop(), createHop()]
  const hitlessClass = new Uint8Array(64)
  for (const dscp of hitlessDscp) hitlessClass[dscp & 0x3f] = 1
  /** Whether the packet at `at` is to go on both trees. */
  const isHitless = (route: Route, at: number): boolean =>
    route.hitless || hitlessClass[dscpOf(arena, at)] === 1

  /** The way that data goes; the ordinary one where the tree is cut off here. */
  const chooseOne = (route: Route, on: number): number =>
    (on !== plane.shortest && forwarding.tree(route, on, hops[0]!)) ||
    forwarding.first(route, hops[0]!) === undefined
      ? 1
      : 0
  const probing = createPathProbing({
    arena,
    shared,
    forwarding,
    routeOf: (peer) => routes.byPeer(peer),
    canSend: (peer) => sending[peer] !== undefined,
    send(route, on, at, length, isProtected) {
      const sa = sending[route.peer]
      if (sa === undefined || sa.sequence >= stopAfterUnits || chooseOne(route, on) === 0) return
      const level = isProtected ? shared.lossLevel[route.peer]! : 0
      sendUnit(sa, route, hops, 1, at, length, protections[level]!)
    },
    report,
    wakeReceiver,
    nowMs,
  })

  const seal = (route: Route, hitless: boolean, at: number, length: number): void => {
    const sa = sending[route.peer]
    if (sa === undefined) {
      if (!waiting.add(route.peer, bytes, at, length)) stats[stat.droppedNoSession]!++
      const now = nowMs()
      if (now - (askedAtMs.get(route.peer) ?? -Infinity) >= needSessionIntervalMs) {
        askedAtMs.set(route.peer, now)
        report({ kind: 'need-session', peer: route.peer })
      }
      return
    }
    if (sa.sequence >= stopAfterUnits) {
      stats[stat.droppedNoSession]!++
      return
    }
    const copies = hitless ? forwarding.both(route, hops) : chooseOne(route, probing.planeOf(route.peer))
    if (copies === 0) {
      stats[stat.droppedNextHopDown]!++
      return
    }
    sendUnit(sa, route, hops, copies, at, length, protections[shared.lossLevel[route.peer]!]!)
    // What goes on both trees survives the failure of one: only what goes one way is judged by it.
    if (copies > 1) stats[stat.unitsDuplicated]!++
    else probing.sent(route.peer, length)
    shared.reception[route.peer * receptionWords + unitsSentWord]! += 1
    if (sa.sequence === rekeyAfterUnits) report({ kind: 'rekey-due', localSpi: sa.localSpi })
  }
  const flush = (): void => {
    if (packRoute === undefined) return
    const route = packRoute
    packRoute = undefined
    // A single packet needs no pack around it.
    if (packItems === 1) seal(route, packHitless, packAt + 1 + packHeadBytes, packBytes - 1 - packHeadBytes)
    else seal(route, packHitless, packAt, packBytes)
  }
  const pack = (route: Route, length: number): void => {
    const { packBytes: allowed } = protections[shared.lossLevel[route.peer]!]!
    const limit = Math.max(allowed, route.datagramBytes - 48 - aeadTagBytes)
    const hitless = isHitless(route, landingAt)
    if (packRoute !== route || packHitless !== hitless || packBytes + packHeadBytes + length > limit) flush()
    if (packRoute === undefined) {
      packRoute = route
      packHitless = hitless
      bytes[packAt] = unitKind.packed
      packBytes = 1
      packItems = 0
    }
    view.setUint16(packAt + packBytes, length)
    bytes.copyWithin(packAt + packBytes + packHeadBytes, landingAt, landingAt + length)
    packBytes += packHeadBytes + length
    packItems++
  }
  const lookUp = (): Route | undefined => {
    const at = landingAt + virtioBytes + 24
    const [w0, w1, w2, w3] = [
      view.getUint32(at),
      view.getUint32(at + 4),
      view.getUint32(at + 8),
      view.getUint32(at + 12),
    ]
    if (lastRoute !== undefined) {
      const { address } = lastRoute
      if (address[1] === w1 && address[0] === w0 && address[2] === w2 && address[3] === w3) return lastRoute
    }
    lastRoute = routes.byAddress(w0, w1, w2, w3)
    return lastRoute
  }
  const onPacket = (length: number): void => {
    stats[stat.packetsFromTun]!++
    stats[stat.bytesFromTun]! += length - virtioBytes
    if (length < virtioBytes + ipv6Bytes || bytes[landingAt + virtioBytes]! >>> 4 !== 6) {
      stats[stat.droppedInnerInvalid]!++
      return
    }
    if (!isFrom(arena, landingAt, selfWords)) {
      stats[stat.droppedInnerAddress]!++
      return
    }
    const route = lookUp()
    if (route === undefined) {
      stats[stat.droppedNoRoute]!++
      return
    }
    // "Data valid" is a hint of this host's network card; the peer must not trust it.
    bytes[landingAt] = bytes[landingAt]! & virtio.needsChecksum
    if (length <= smallPacketBytes) {
      pack(route, length)
      return
    }
    flush()
    const hitless = isHitless(route, landingAt)
    const { maxFragments } = protections[shared.lossLevel[route.peer]!]!
    const sliceBytes = maxFragments * (route.datagramBytes - 48) - aeadTagBytes
    if (length > sliceBytes && (bytes[landingAt + 1]! & 0x7f) === virtio.gsoTcp6) {
      sliceTcp(arena, landingAt, length, sliceBytes, sliceAt, (sliceLength) =>
        seal(route, hitless, sliceAt, sliceLength),
      )
    } else if (length + aeadTagBytes > maxUnitBytes) {
      stats[stat.droppedTooLong]!++
    } else {
      seal(route, hitless, landingAt, length)
    }
  }

  return {
    apply(command) {
      switch (command.kind) {
        case 'link':
          links.set(command)
          break
        case 'endpoint':
          links.setEndpoint(command.slot, command.endpoint)
          break
        case 'unlink':
          links.remove(command.slot)
          break
        case 'routes':
          flush()
          lastRoute = undefined
          routes.replace(command.routes, nowMs())
          break
        case 'session': {
          const aead = openAead({
            arena,
            suite: command.suite,
            key: command.sendKey,
            salt: command.sendSalt,
            direction: 'seal',
          })
          const sa = { localSpi: command.localSpi, remoteSpi: command.remoteSpi, aead, sequence: 0 }
          installed.set(command.localSpi, { sa, peer: command.peer })
          highestPeer = Math.max(highestPeer, command.peer)
          break
        }
        case 'use': {
          const found = installed.get(command.localSpi)
          if (found === undefined) break
          sending[found.peer] = found.sa
          askedAtMs.delete(found.peer)
          const route = routes.byPeer(found.peer)
          for (const packet of waiting.take(found.peer)) {
            if (route === undefined) break
            bytes.set(packet, landingAt)
            // All packets of a pack are of one kind.
            const first = packet[0] === unitKind.packed ? landingAt + 1 + packHeadBytes : landingAt
            seal(route, isHitless(route, first), landingAt, packet.length)
          }
          break
        }
        case 'forget': {
          const found = installed.get(command.localSpi)
          if (found === undefined) break
          installed.delete(command.localSpi)
          if (sending[found.peer] === found.sa) sending[found.peer] = undefined
          found.sa.aead.close()
          break
        }
        case 'frames':
        case 'kernel-event':
        case 'stop':
          break
      }
    },
    sendBatch() {
      routes.age(nowMs())
      for (let i = 0; i < batchPackets; i++) {
        const length = kernel.read(tunFd, landing, maxUnitBytes + 512)
        if (length <= 0) {
          flush()
          return length === -errno.EINTR
        }
        onPacket(length)
      }
      flush()
      return true
    },
    nextAtMs: () => probing.nextAtMs(),
    sendReports(now) {
      probing.tick(now)
      for (let peer = 0; peer <= highestPeer; peer++) {
        const sa = sending[peer]
        if (sa === undefined || now - reportedAtMs[peer]! < reportIntervalMs) continue
        const at = peer * receptionWords
        const received = (shared.reception[at]! - reported[at]!) >>> 0
        const lost = (shared.reception[at + 1]! - reported[at + 1]!) >>> 0
        if (lost === 0 && received < reportAfterFragments) continue
        const route = routes.byPeer(peer)
        if (route === undefined || chooseOne(route, probing.planeOf(peer)) === 0) continue
        reportedAtMs[peer] = now
        reported[at] = reported[at]! + received
        reported[at + 1] = reported[at + 1]! + lost
        // Totals, not differences: a report that is lost takes nothing with it. Sent twice, as it is what helps.
        bytes[sliceAt] = unitKind.report
        view.setUint32(sliceAt + 1, shared.reception[at]!)
        view.setUint32(sliceAt + 5, shared.reception[at + 1]!)
        sendUnit(sa, route, hops, 1, sliceAt, 9, protections.at(-1)!)
      }
    },
  }
}
