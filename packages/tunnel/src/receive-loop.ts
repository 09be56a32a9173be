// Over 300 lines, and one piece: the path of a datagram from the socket to the TUN or to the next hop, whose steps share
// the arena and are called for every packet.
import type { Aead, AeadFactory } from './aead.ts'
import { aeadTagBytes } from './aead.ts'
import type { Arena } from './arena.ts'
import { createCarrierWatch } from './carrier-watch.ts'
import type { Command, Report } from './commands.ts'
import { createCopyTally, type CopyTally } from './copy-tally.ts'
import { createDatagramReceiver } from './datagram-receiver.ts'
import { createDatagramSender } from './datagram-sender.ts'
import {
  datagramType,
  field,
  headerBytes,
  kernelCounterBase,
  readCounter,
  readSequence,
  writeCounter,
} from './datagram.ts'
import type { HopRoutines } from './hop-routines.ts'
import { isFrom, isPacketValid, isTo, unitKind, virtioBytes } from './inner-packet.ts'
import type { Kernel } from './kernel.ts'
import { noKernelView, type KernelView } from './kernel-view.ts'
import { maxSessions } from './limits.ts'
import { createLinks, type Link } from './links.ts'
import { adaptToLoss, initialLossState, type LossState } from './loss-adaptation.ts'
import { createNeighbourWatch } from './neighbour-watch.ts'
import { readEcho, type Echo } from './path-echo.ts'
import { countDetour, createForwarding, createHop, maxRemaining, plane, writePlane } from './planes.ts'
import type { ProbeInterval } from './probe-pace.ts'
import { createReplayWindow, type ReplayWindow } from './replay-window.ts'
import { addressWords, createRoutes } from './routes.ts'
import {
  echoCell,
  echoWords,
  receptionWords,
  stat,
  type SharedState,
  trafficCell,
  trafficCells,
} from './shared-state.ts'
import { socketAddressBytes } from './socket-address.ts'
import { createUnitAssembler, type Reassembly } from './unit-assembler.ts'
import { takeCountersFrom } from './unit-sender.ts'

/** From the wire to the TUN or to the next hop; also probes and judges the neighbours. */
export interface ReceiveLoop {
  apply(command: Command): void
  /** Receives one batch; true if there may be more. */
  receiveBatch(): boolean
  /** Work that depends on time. */
  tick(): void
  /** The carrier watch has something to read. */
  carrierChanged(): void
  /** When {@link ReceiveLoop.tick} is due next, ms. */
  nextAtMs(): number
}

interface Session extends Reassembly {
  readonly localSpi: number
  readonly peer: number
  readonly address: readonly number[]
  readonly aead: Aead
  readonly window: ReplayWindow
  highestSeen: number
  /** There once something has come on a tree. */
  copies: CopyTally | undefined
  used: boolean
}

/** Replay windows of one link: of what the neighbour's daemon numbered, and of what its kernel did. */
interface HopWindows {
  readonly daemon: ReplayWindow
  readonly kernel: ReplayWindow
}

/** Late by this much, in datagrams of a link and units of a session, is still accepted. */
const hopWindow = 8192
const unitWindow = 4096
const unitMaxAgeMs = 60
/** A gap in sequence numbers counts for at most this many lost fragments. */
const maxGap = 64
const expireIntervalMs = 20

export function createReceiveLoop({
  kernel,
  arena,
  routines,
  shared,
  openAead,
  tunFd,
  udpFd,
  selfLabel,
  selfAddress,
  probeInterval,
  probeMisses,
  udpPort,
  monitorFd,
  queryFd,
  kernelView = noKernelView,
  nowMs,
  report,
  wakeSender,
}: {
  readonly kernel: Kernel
  readonly arena: Arena
  readonly routines: HopRoutines
  readonly shared: SharedState
  readonly openAead: AeadFactory
  /** -1 without a TUN: units for this node are dropped, the rest is relayed. */
  readonly tunFd: number
  readonly udpFd: number
  readonly selfLabel: Uint8Array
  readonly selfAddress: Uint8Array
  readonly probeInterval: ProbeInterval
  readonly probeMisses: number
  readonly udpPort: number
  /** rtnetlink sockets, or -1: then lost carriers are found by silence. */
  readonly monitorFd: number
  readonly queryFd: number
  readonly kernelView?: KernelView
  readonly nowMs: () => number
  readonly report: (report: Report) => void
  /** Lets the sending worker look at the reception counters. */
  readonly wakeSender: () => void
}): ReceiveLoop {
  const stats = shared.receiveStats
  const { bytes, view } = arena
  const links = createLinks(arena, shared.linkAlive, kernelView)
  const routes = createRoutes()
  const forwarding = createForwarding(links)
  const hop = createHop()
  const takeCounters = takeCountersFrom(shared.hopCounter)
  const receiver = createDatagramReceiver(arena, kernel, udpFd)
  const sender = createDatagramSender({
    arena,
    kernel,
    udpFd,
    mayWait: false,
    stats,
    traffic: { cells: shared.linkTraffic, cell: trafficCell.byReceiver },
    frames: (neighbour, frames) => report({ kind: 'frames', neighbour, bytes: frames }),
  })
  const watch = createNeighbourWatch({
    arena,
    routines,
    sender,
    takeCounters,
    linkAlive: shared.linkAlive,
    kernelView,
    stats,
    interval: probeInterval,
    misses: probeMisses,
    report,
  })
  const carrier =
    monitorFd < 0 ? undefined : createCarrierWatch({ arena, kernel, monitorFd, queryFd, sourcePort: udpPort })
  const hopWindows = new Map<number, HopWindows>()
  const sessions = new Map<number, Session>()
  /** By peer: its protection, and the totals of its last report. */
  const lossStates = new Map<number, LossState & { readonly received: number; readonly lost: number }>()
  const labelView = new DataView(selfLabel.buffer, selfLabel.byteOffset, 8)
  const [selfHigh, selfLow] = [labelView.getUint32(0), labelView.getUint32(4)]
  const selfWords = addressWords(selfAddress)
  const framesAt = arena.allocate(65_536)
  let now = nowMs()
  /** When the datagrams at hand arrived, which may be before they were read. */
  let arrivedAtMs = now
  let expireAtMs = now
  let lossSeen = false

  const toTun = (session: Session, at: number, length: number): void => {
    if (!isPacketValid(arena, at, length)) {
      stats[stat.droppedInnerInvalid]!++
      return
    }
    if (!isFrom(arena, at, session.address) || !isTo(arena, at, selfWords)) {
      stats[stat.droppedInnerAddress]!++
      return
    }
    const result = tunFd < 0 ? -1 : kernel.write(tunFd, arena.pointer(at), length)
    if (result < 0) {
      stats[stat.tunWriteErrors]!++
      return
    }
    stats[stat.packetsToTun]!++
    stats[stat.bytesToTun]! += length - virtioBytes
  }
  const onLossReport = (peer: number, received: number, lost: number): void => {
    const before = lossStates.get(peer) ?? { ...initialLossState, received: 0, lost: 0 }
    const [newReceived, newLost] = [(received - before.received) >>> 0, (lost - before.lost) >>> 0]
    // Totals that went back are those of a peer that has started anew.
    const restarted = newReceived >= 2 ** 31 || newLost >= 2 ** 31
    const next = restarted ? before : adaptToLoss(before, newReceived, newLost, now)
    lossStates.set(peer, { ...next, received, lost })
    shared.lossLevel[peer] = next.level
  }
  /** Leaves word for the sending worker, who alone can seal an answer. */
  const onEcho = (peer: number, kind: number, echo: Echo): void => {
    const at = peer * echoWords
    const { id, heardId, overdue, answeredId, isPrimary } = echo
    const { echoes } = shared
    if (kind === unitKind.echoReply) {
      echoes[at + (isPrimary ? echoCell.primaryReply : echoCell.reply)] = id
    } else {
      if (!isPrimary) {
        echoes[at + echoCell.overdue] = overdue
        echoes[at + echoCell.answered] = answeredId
      }
      echoes[at + (isPrimary ? echoCell.primaryRequest : echoCell.request)] = id
    }
    if (heardId !== 0) echoes[at + echoCell.heard] = heardId
    Atomics.add(shared.echoCount, 0, 1)
    wakeSender()
  }
  /** Plane of the datagram at hand. */
  let arrivedOn = 0
  const countRepeated = (session: Session, sequence: number): void => {
    const isCopy =
      sequence + unitWindow > session.highestSeen && session.copies?.isCopy(sequence, arrivedOn) === true
    stats[isCopy ? stat.droppedDuplicate : stat.droppedUnitReplay]!++
  }
  /** Opens a complete unit in place and hands its packets to the TUN. */
  const deliver = (
    session: Session,
    at: number,
    length: number,
    sequence: number,
    datagrams: number,
  ): void => {
    if (!session.window.isNew(sequence)) {
      countRepeated(session, sequence)
      return
    }
    if (!session.aead.open(at, length, session.localSpi, sequence)) {
      stats[stat.droppedUnitForged]!++
      return
    }
    session.window.accept(sequence)
    session.copies?.accepted(sequence, arrivedOn, datagrams)
    stats[stat.unitsOpened]!++
    if (!session.used) {
      session.used = true
      report({ kind: 'session-used', localSpi: session.localSpi })
    }
    const end = at + length - aeadTagBytes
    const kind = bytes[at]
    if (end === at) {
      stats[stat.droppedInnerInvalid]!++
    } else if (kind === unitKind.packed) {
      let item = at + 1
      while (item + 2 <= end) {
        const itemBytes = view.getUint16(item)
        if (item + 2 + itemBytes > end) break
        toTun(session, item + 2, itemBytes)
        item += 2 + itemBytes
      }
      if (item !== end) stats[stat.droppedInnerInvalid]!++
    } else if (kind === unitKind.report) {
      if (end - at === 9) onLossReport(session.peer, view.getUint32(at + 1), view.getUint32(at + 5))
      else stats[stat.droppedInnerInvalid]!++
    } else if (kind === unitKind.echoRequest || kind === unitKind.echoReply) {
      const echo = readEcho(arena, at, end - at)
      if (echo === undefined) stats[stat.droppedInnerInvalid]!++
      else onEcho(session.peer, kind, echo)
    } else {
      toTun(session, at, end - at)
    }
  }
  const assembler = createUnitAssembler({
    arena,
    routines,
    deliver: (reassembly, at, length, sequence, datagrams) =>
      deliver(reassembly as Session, at, length, sequence, datagrams),
    countRepaired: () => stats[stat.unitsRepaired]!++,
    countLost: () => stats[stat.unitsLost]!++,
  })

  const onFragment = (at: number, length: number): void => {
    const session = sessions.get(view.getUint32(at + field.spi))
    if (session === undefined) {
      stats[stat.droppedNoSession]!++
      return
    }
    const sequence = readSequence(arena, at)
    arrivedOn = view.getUint8(at + field.plane) >>> 6
    if (arrivedOn >= plane.red) session.copies ??= createCopyTally(unitWindow)
    if (!session.window.isNew(sequence)) {
      countRepeated(session, sequence)
      return
    }
    if (sequence > session.highestSeen) {
      const gap = sequence - session.highestSeen - 1
      // What is missing here comes on the other tree, as a rule.
      if (gap > 0 && session.highestSeen > 0 && session.copies === undefined)
        session.reception.lost(Math.min(gap, maxGap))
      session.highestSeen = sequence
    }
    if (length - headerBytes === view.getUint16(at + field.unitBytes)) {
      session.reception.received(1)
      deliver(session, at + headerBytes, length - headerBytes, sequence, 1)
      return
    }
    const added = assembler.add(session, at, length, now)
    if (added === 'kept') return
    if (added === 'invalid') stats[stat.droppedUnitInvalid]!++
    else stats[session.copies === undefined ? stat.droppedUnitReplay : stat.droppedDuplicate]!++
  }

  // A run of datagrams in the receive buffer that go to the same next hop: forwarded by one system call.
  let runLink: Link | undefined
  let runAt = 0
  let runEnd = 0
  const flushRun = (datagramBytes: number): void => {
    if (runLink === undefined) return
    const link = runLink
    runLink = undefined
    const count = Math.ceil((runEnd - runAt) / datagramBytes)
    let counter = takeCounters(link.slot, count)
    for (let at = runAt; at < runEnd; at += datagramBytes) {
      view.setUint8(at + field.hopLimit, view.getUint8(at + field.hopLimit) - 1)
      view.setUint16(at + field.linkId, link.remoteLinkId)
      writeCounter(arena, at, counter++)
      routines.tag(link.sendKeyAt, at)
    }
    stats[stat.datagramsForwarded]! += count
    sender.contiguous(link, runAt, runEnd - runAt, datagramBytes)
  }
  const forward = (from: Link, at: number, length: number, datagramBytes: number): void => {
    if (bytes[at + field.hopLimit]! <= 1) {
      stats[stat.droppedHopLimit]!++
      return
    }
    const route = routes.byLabel(view.getUint32(at + field.label), view.getUint32(at + field.label + 4))
    if (route === undefined) {
      stats[stat.droppedNoRoute]!++
      return
    }
    const word = view.getInt32(at + field.plane)
    const refusal = forwarding.next(route, word >>> 30, word & maxRemaining, from.neighbour, hop)
    if (refusal !== undefined) {
      stats[refusal === 'loop' ? stat.droppedLoop : stat.droppedNextHopDown]!++
      return
    }
    const link = hop.link!
    if (hop.isSilent) stats[stat.datagramsToSilent]!++
    if (hop.plane !== word >>> 30) countDetour(stats, hop.plane, 1)
    writePlane(arena, at, hop.plane, hop.remaining)
    if (runLink !== link || runEnd !== at) {
      flushRun(datagramBytes)
      runLink = link
      runAt = at
    }
    runEnd = at + length
  }
  const roam = (link: Link, nameAt: number): void => {
    if (link.carrier !== 'udp') return
    let same = link.hasEndpoint
    for (let i = 0; same && i < socketAddressBytes; i++)
      same = bytes[link.socketAddressAt + i] === bytes[nameAt + i]
    if (same) return
    const endpoint = bytes.slice(nameAt, nameAt + socketAddressBytes)
    links.setEndpoint(link.slot, endpoint)
    report({ kind: 'endpoint', slot: link.slot, endpoint })
  }
  const onDatagram = (at: number, length: number, datagramBytes: number, nameAt: number): void => {
    if (length < headerBytes) {
      stats[stat.droppedTooShort]!++
      return
    }
    const link = links.byLocalId(view.getUint16(at + field.linkId))
    if (link === undefined) {
      stats[stat.droppedUnknownLink]!++
      return
    }
    if (routines.check(link.receiveKeyAt, at) === 0) {
      stats[stat.droppedBadTag]!++
      return
    }
    const windows = hopWindows.get(link.slot)!
    const counter = readCounter(arena, at)
    const isByKernel = counter >= kernelCounterBase
    const window = isByKernel ? windows.kernel : windows.daemon
    if (!window.accept(counter)) {
      stats[stat.droppedHopReplay]!++
      return
    }
    stats[stat.datagramsReceived]!++
    const cell = link.slot * trafficCells + trafficCell.received
    shared.linkTraffic[cell]! += length
    shared.linkTraffic[cell + 1]! += 1
    const type = bytes[at]!
    // What a kernel sends says nothing of the daemon, which this link's liveness and loss are about.
    if (!isByKernel) watch.heard(link.slot, type, counter, arrivedAtMs)
    if (type === datagramType.data) {
      const isMine =
        view.getUint32(at + field.label) === selfHigh && view.getUint32(at + field.label + 4) === selfLow
      if (isMine) onFragment(at, length)
      else forward(link, at, length, datagramBytes)
      return
    }
    if (isByKernel) return
    // Only the newest probe tells where the neighbour is: an older one may come over the path that was left.
    if (type === datagramType.probe && nameAt !== 0 && window.highest() === counter) roam(link, nameAt)
    watch.received(link, type, at, length, arrivedAtMs, now)
  }
  const onMessage = (at: number, length: number, datagramBytes: number, nameAt: number): void => {
    if (datagramBytes <= 0) return
    for (let from = 0; from < length; from += datagramBytes) {
      onDatagram(at + from, Math.min(datagramBytes, length - from), datagramBytes, nameAt)
    }
    flushRun(datagramBytes)
  }

  const closeSession = (localSpi: number): void => {
    const session = sessions.get(localSpi)
    if (session === undefined) return
    sessions.delete(localSpi)
    assembler.close(session)
    session.aead.close()
  }
  return {
    apply(command) {
      now = nowMs()
      switch (command.kind) {
        case 'link': {
          const isNew = links.bySlot(command.slot) === undefined
          const link = links.set(command)
          if (isNew)
            hopWindows.set(link.slot, {
              daemon: createReplayWindow(hopWindow),
              kernel: createReplayWindow(hopWindow),
            })
          watch.add(link, now)
          break
        }
        case 'endpoint':
          links.setEndpoint(command.slot, command.endpoint)
          break
        case 'unlink':
          links.remove(command.slot)
          hopWindows.delete(command.slot)
          watch.remove(command.slot)
          break
        case 'routes':
          routes.replace(command.routes, now)
          break
        case 'session': {
          closeSession(command.localSpi)
          if (sessions.size >= maxSessions) break
          const at = command.peer * receptionWords
          const reception = {
            received: (count: number) => {
              shared.reception[at]! += count
            },
            lost: (count: number) => {
              shared.reception[at + 1]! += count
              if (count > 0) lossSeen = true
            },
          }
          sessions.set(command.localSpi, {
            ...assembler.open(reception),
            localSpi: command.localSpi,
            peer: command.peer,
            address: addressWords(command.address),
            aead: openAead({
              arena,
              suite: command.suite,
              key: command.receiveKey,
              salt: command.receiveSalt,
              direction: 'open',
            }),
            window: createReplayWindow(unitWindow),
            highestSeen: 0,
            copies: undefined,
            used: false,
          })
          break
        }
        case 'forget':
          closeSession(command.localSpi)
          break
        case 'frames': {
          let from = 0
          const frames = command.bytes
          arrivedAtMs = now
          while (from + 2 <= frames.length) {
            const length = (frames[from]! << 8) | frames[from + 1]!
            if (from + 2 + length > frames.length) break
            bytes.set(frames.subarray(from + 2, from + 2 + length), framesAt)
            onMessage(framesAt, length, length, 0)
            from += 2 + length
          }
          break
        }
        case 'use':
        case 'kernel-event':
        case 'stop':
          break
      }
    },
    receiveBatch() {
      const count = receiver.receive()
      now = nowMs()
      for (let i = 0; i < count; i++) {
        arrivedAtMs = now - receiver.ageMs(i)
        onMessage(
          receiver.messageAt(i),
          receiver.messageBytes(i),
          receiver.datagramBytes(i),
          receiver.nameAt(i),
        )
      }
      // Whatever had come before this has been looked at.
      if (receiver.isDrained) Atomics.add(shared.receiverTurns, 0, 1)
      return !receiver.isDrained
    },
    carrierChanged() {
      now = nowMs()
      if (carrier?.read(now) === true) watch.carrierLost(carrier.cut(watch.living(), now), now)
    },
    tick() {
      now = nowMs()
      if (carrier !== undefined && carrier.nextAtMs() <= now)
        watch.carrierLost(carrier.cut(watch.living(), now), now)
      watch.tick(now, receiver.isDrained)
      routes.age(now)
      if (now < expireAtMs) return
      expireAtMs = now + expireIntervalMs
      assembler.expire(now, unitMaxAgeMs)
      if (lossSeen) wakeSender()
      lossSeen = false
    },
    nextAtMs() {
      const nextMs = Math.min(watch.nextAtMs(), carrier?.nextAtMs() ?? Infinity)
      return assembler.waiting() > 0 || lossSeen ? Math.min(expireAtMs, nextMs) : nextMs
    },
  }
}
