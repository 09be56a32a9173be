import { label, writeDatagram, writeFrame, type Datagram, type End, type FrameOptions } from './frames.ts'
import {
  flag,
  none,
  openFastpath,
  state,
  type Fastpath,
  type LinkFields,
  type SelfFields,
} from './fastpath.ts'
import type { LoadedObject } from '@x0t/bpf'

/** Interface of test runs that name none: the loopback one. */
export const loopback = 1
export const selfPort = 4784
export const selfLabel = label('relay')
export const targetLabel = label('target')

const key = (first: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => (first + 7 * i) & 0xff)
const hour = 3_600_000_000_000n

export const nowNs = (): bigint => process.hrtime.bigint()

export interface Neighbour {
  readonly index: number
  readonly slot: number
  readonly localLinkId: number
  readonly remoteLinkId: number
  readonly sendKey: Uint8Array
  readonly receiveKey: Uint8Array
  readonly ifindex: number
  /** This node's end of the link, and the neighbour's. */
  readonly local: End
  readonly remote: End
}

const hex = (value: number): string => value.toString(16).padStart(2, '0')

export function neighbour(index: number, isIpv6 = false): Neighbour {
  const ip = (host: number): string => (isIpv6 ? `fd00:0:0:${index}:0:0:0:${host}` : `10.1.${index}.${host}`)
  return {
    index,
    slot: 10 + index,
    localLinkId: 0x1100 + index,
    remoteLinkId: 0x2200 + index,
    sendKey: key(11 + index),
    receiveKey: key(101 + index),
    // Not that of a test run, so that all but what goes back there is redirected.
    ifindex: 100 + index,
    local: { ip: ip(1), port: selfPort, mac: `02:00:00:00:${hex(index)}:01` },
    remote: { ip: ip(2), port: 5000 + index, mac: `02:00:00:00:${hex(index)}:02` },
  }
}

export const linkFields = (to: Neighbour, extra: Partial<LinkFields> = {}): LinkFields => ({
  flags: flag.used | flag.userAlive,
  remoteLinkId: to.remoteLinkId,
  remotePort: to.remote.port,
  remoteIp: to.remote.ip,
  sendKey: to.sendKey,
  receiveKey: to.receiveKey,
  intervalNs: 1_000_000n,
  deadlineNs: hour,
  misses: 3,
  neighbour: to.index,
  state: state.unknown,
  sent: 0n,
  answered: 0n,
  sentNs: 0n,
  replyNs: 0n,
  ifindex: to.ifindex,
  localMac: to.local.mac,
  remoteMac: to.remote.mac,
  localIp: to.local.ip,
  ...extra,
})

/** A node with neighbours, all of them alive. */
export interface Relay extends Disposable {
  readonly fastpath: Fastpath
  readonly neighbours: readonly Neighbour[]
  readonly self: (extra?: Partial<SelfFields>) => void
  readonly connect: (to: Neighbour, extra?: Partial<LinkFields>) => void
}

/** @param ipv6 indexes of the neighbours whose links are IPv6 */
export function openRelay(object: LoadedObject, count: number, ipv6: readonly number[] = []): Relay {
  const fastpath = openFastpath(object)
  const neighbours = Array.from({ length: count }, (_, i) => neighbour(i, ipv6.includes(i)))
  const self = (extra: Partial<SelfFields> = {}): void =>
    fastpath.setSelf({
      label: selfLabel,
      validUntilNs: nowNs() + hour,
      port: selfPort,
      pacerIfindex: 0,
      probed: [],
      ...extra,
    })
  const connect = (to: Neighbour, extra: Partial<LinkFields> = {}): void =>
    fastpath.setLink(to.slot, to.localLinkId, linkFields(to, extra))
  self()
  for (const to of neighbours) {
    connect(to)
    fastpath.setNeighbour(to.index, label(`node${to.index}`), [to.slot, none])
  }
  return { fastpath, neighbours, self, connect, [Symbol.dispose]: () => fastpath[Symbol.dispose]() }
}

let lastNumber = 0n
/** A hop number that no test of this process has used. */
export const nextNumber = (): bigint => ++lastNumber

/** What a neighbour sends to this node to have it forwarded to `target`. */
export const dataFrom = (from: Neighbour, extra: Partial<Datagram> = {}): Datagram => ({
  type: 0x10,
  hopLimit: 9,
  linkId: from.localLinkId,
  plane: 0,
  remaining: 1000,
  number: nextNumber(),
  label: targetLabel,
  body: Uint8Array.from({ length: 100 }, (_, i) => i),
  ...extra,
})

/** Sixteen bytes of a kernel's probe or reply. */
export function probeBody(sentNs: bigint, number: bigint): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, sentNs)
  view.setBigUint64(8, number)
  return bytes
}

/** In a frame, as it comes in from that neighbour. */
export const frameFrom = (from: Neighbour, datagram: Datagram, options?: FrameOptions): Uint8Array =>
  writeFrame(from.remote, from.local, writeDatagram(datagram, from.receiveKey), options)
