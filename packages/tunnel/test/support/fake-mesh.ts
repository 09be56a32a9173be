import { createHash } from 'node:crypto'
import { openEvp } from '../../src/aead.ts'
import { createArena } from '../../src/arena.ts'
import type { Carrier, Command, Report, RouteEntry, SessionCommand } from '../../src/commands.ts'
import { compileHopRoutines } from '../../src/hop-routines.ts'
import type { KernelView } from '../../src/kernel-view.ts'
import { createReceiveLoop, type ReceiveLoop } from '../../src/receive-loop.ts'
import { createSendLoop, type SendLoop } from '../../src/send-loop.ts'
import {
  allocateSharedBuffers,
  readStats,
  viewSharedState,
  type SharedState,
  type Stats,
} from '../../src/shared-state.ts'
import { encodeSocketAddress } from '../../src/socket-address.ts'
import { createFakeKernel, fds, type FakeKernel } from './fake-kernel.ts'

export interface FakeNode {
  readonly name: string
  readonly kernel: FakeKernel
  readonly shared: SharedState
  readonly send: SendLoop
  readonly receive: ReceiveLoop
  readonly reports: Report[]
  tell(command: Command): void
  stats(): Stats
}

/** Nodes whose loops run in this process, over wires of this process. */
export interface FakeMesh {
  nowMs: number
  node(name: string): FakeNode
  /** Called for each datagram; undefined drops it. */
  filter: (from: string, to: string, datagram: Buffer) => Buffer | undefined
  /** All datagrams that were sent. */
  readonly wire: { readonly from: string; readonly to: string; readonly bytes: Buffer }[]
  link(a: string, b: string, carrier?: Carrier): void
  routes(
    name: string,
    routes: Readonly<Record<string, readonly [via: string, alternate?: string] | FakeRoute>>,
  ): void
  session(a: string, b: string, generation?: number): void
  /** Runs all loops until nothing moves. */
  settle(): void
  /** Lets time pass in steps of `stepMs`, ticking and settling. */
  pass(durationMs: number, stepMs?: number): void
}

/** A route as the tests write it: what is left out is not there. */
export type FakeRoute = Pick<RouteEntry, 'nextHop' | 'feasibleUs'> & Partial<RouteEntry>

/** In a diamond: one or two links of cost 1 to the target, over `nextHop` or over `alternate`. */
function shortWay(target: string, nextHop: string, alternate?: string): FakeRoute {
  const hops = (via: string): number => (via === target ? 1 : 2)
  return {
    nextHop,
    feasibleUs: hops(nextHop),
    ...(alternate === undefined
      ? {}
      : { alternate: { neighbour: alternate, plane: 1, remaining: hops(alternate) } }),
  }
}

export const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
export const labelOf = (name: string): Buffer => hash(name).subarray(0, 8)
export const addressOf = (name: string): Buffer =>
  Buffer.concat([Buffer.from([0xfd, 0x78]), hash(name).subarray(0, 14)])
export const linkIdOf = (from: string, to: string): number => hash(`link ${from} ${to}`).readUInt16BE(0)
export const spiOf = (from: string, to: string, generation = 0): number =>
  hash(`spi ${from} ${to} ${generation}`).readUInt32BE(0)
export const hopKeyOf = (from: string, to: string): Buffer => hash(`hop ${from} ${to}`).subarray(0, 16)
export const socketOf = (name: string): Buffer =>
  Buffer.from(encodeSocketAddress({ host: `10.0.0.${name.charCodeAt(0)}`, port: 7000 }))

export function sessionOf(self: string, peer: string, peerIndex: number, generation = 0): SessionCommand {
  return {
    kind: 'session',
    peer: peerIndex,
    address: addressOf(peer),
    suite: generation % 2 === 0 ? 'aes-256-gcm' : 'chacha20-poly1305',
    localSpi: spiOf(peer, self, generation),
    remoteSpi: spiOf(self, peer, generation),
    sendKey: hash(`key ${self} ${peer} ${generation}`),
    sendSalt: hash(`salt ${self} ${peer} ${generation}`).subarray(0, 4),
    receiveKey: hash(`key ${peer} ${self} ${generation}`),
    receiveSalt: hash(`salt ${peer} ${self} ${generation}`).subarray(0, 4),
  }
}

export function createFakeMesh(
  names: readonly string[],
  hitlessDscp: readonly number[] = [],
  kernelViews: Readonly<Record<string, KernelView>> = {},
): FakeMesh {
  const nodes = new Map<string, FakeNode>()
  const slots = new Map<string, number>()
  const peerIndex = (name: string): number => names.indexOf(name)
  const slotOf = (self: string, key: string): number => {
    const found = slots.get(`${self} ${key}`)
    if (found !== undefined) return found
    const next = [...slots.keys()].filter((name) => name.startsWith(`${self} `)).length
    slots.set(`${self} ${key}`, next)
    return next
  }
  const mesh: FakeMesh = {
    nowMs: 1000,
    filter: (_from, _to, datagram) => datagram,
    wire: [],
    node: (name) => nodes.get(name)!,
    link(a, b, carrier = 'udp') {
      for (const [self, other] of [
        [a, b],
        [b, a],
      ] as const) {
        mesh.node(self).tell({
          kind: 'link',
          slot: slotOf(self, other),
          neighbour: other,
          localLinkId: linkIdOf(other, self),
          remoteLinkId: linkIdOf(self, other),
          sendKey: hopKeyOf(self, other),
          receiveKey: hopKeyOf(other, self),
          endpoint: socketOf(other),
          carrier,
        })
      }
    },
    routes(name, routes) {
      mesh.node(name).tell({
        kind: 'routes',
        routes: Object.entries(routes).map(([target, route]) => ({
          label: labelOf(target),
          address: addressOf(target),
          peer: peerIndex(target),
          alternate: undefined,
          red: undefined,
          blue: undefined,
          hitless: false,
          pathDatagramBytes: 1472,
          ...('nextHop' in route ? route : shortWay(target, ...route)),
        })),
      })
    },
    session(a, b, generation = 0) {
      mesh.node(a).tell(sessionOf(a, b, peerIndex(b), generation))
      mesh.node(b).tell(sessionOf(b, a, peerIndex(a), generation))
      mesh.node(a).tell({ kind: 'use', localSpi: spiOf(b, a, generation) })
      mesh.node(b).tell({ kind: 'use', localSpi: spiOf(a, b, generation) })
    },
    settle() {
      for (let moved = true; moved;) {
        moved = false
        for (const node of nodes.values()) {
          if (node.kernel.tunIn.length > 0) moved = true
          while (node.send.sendBatch());
          if (node.kernel.udpIn.length > 0) moved = true
          while (node.receive.receiveBatch());
          if (node.kernel.wakes.splice(0).length === 0) continue
          node.send.sendReports(mesh.nowMs)
          moved = true
        }
      }
    },
    pass(durationMs, stepMs = 5) {
      for (const end = mesh.nowMs + durationMs; mesh.nowMs < end;) {
        mesh.nowMs += stepMs
        for (const node of nodes.values()) {
          node.receive.tick()
          node.send.sendReports(mesh.nowMs)
        }
        mesh.settle()
      }
    },
  }
  for (const name of names) {
    const shared = viewSharedState(allocateSharedBuffers())
    const reports: Report[] = []
    const kernel = createFakeKernel((to, bytes) => {
      const target = names.find((other) => socketOf(other).equals(to))
      if (target === undefined) return
      mesh.wire.push({ from: name, to: target, bytes })
      const kept = mesh.filter(name, target, bytes)
      if (kept !== undefined) mesh.node(target).kernel.udpIn.push({ bytes: kept, from: socketOf(name) })
    })
    const common = (role: 'send' | 'receive') => {
      const arena = createArena((role === 'send' ? 4 : 24) * 1024 * 1024, kernel)
      return {
        kernel,
        arena,
        routines: compileHopRoutines(arena.memory),
        shared,
        openAead: openEvp(),
        ...fds,
        selfAddress: addressOf(name),
        ...(kernelViews[name] === undefined ? {} : { kernelView: kernelViews[name] }),
        nowMs: () => mesh.nowMs,
        report: (report: Report) => void reports.push(report),
      }
    }
    const send = createSendLoop({
      ...common('send'),
      hitlessDscp,
      wakeReceiver: () => void kernel.wakes.push(2),
    })
    const receive = createReceiveLoop({
      ...common('receive'),
      selfLabel: labelOf(name),
      probeInterval: 100,
      probeMisses: 3,
      wakeSender: () => void kernel.wakes.push(1),
    })
    nodes.set(name, {
      name,
      kernel,
      shared,
      send,
      receive,
      reports,
      tell(command) {
        send.apply(command)
        receive.apply(command)
      },
      stats: () => readStats(shared),
    })
  }
  return mesh
}

/** Virtio header and an IPv6 packet with this payload (next header 59: none). */
export function packet(from: string, to: string, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(50 + payload.length)
  bytes[10] = 0x60
  bytes.writeUInt16BE(payload.length, 14)
  bytes[16] = 59
  bytes[17] = 64
  addressOf(from).copy(bytes, 18)
  addressOf(to).copy(bytes, 34)
  bytes.set(payload, 50)
  return bytes
}

/** A TCP super-packet as the kernel hands it over: partial checksum, GSO type TCPv6. */
export function superPacket(
  from: string,
  to: string,
  payload: Uint8Array,
  segmentBytes: number,
  sequence = 1000,
): Buffer {
  const bytes = packet(from, to, Buffer.concat([Buffer.alloc(20), payload]))
  bytes[16] = 6
  bytes[0] = 1
  bytes[1] = 4
  bytes.writeUInt16LE(60, 2)
  bytes.writeUInt16LE(segmentBytes, 4)
  bytes.writeUInt16LE(40, 6)
  bytes.writeUInt16LE(16, 8)
  bytes.writeUInt32BE(sequence, 54)
  bytes[62] = 0x50
  bytes[63] = 0x99 // CWR, ACK, PSH, FIN
  bytes.writeUInt16BE(pseudoSum(bytes), 66)
  return bytes
}

/** Folded sum of the IPv6 pseudo header (RFC 8200 §8.1) of a packet with virtio header. */
export function pseudoSum(bytes: Buffer): number {
  let sum = bytes.readUInt16BE(14) + bytes[16]!
  for (let at = 18; at < 50; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}
