import { readProgram, type BpfMap, type LoadedObject, type TestRun } from '@x0t/bpf'
import { mappedBytes, macBytes } from './frames.ts'

// Offsets of fastpath.h, written out once more: a test that took them from the object would not see them move.
const sizes = { self: 192, link: 224, neighbour: 16, route: 32, window: 528 }
export const flag = { used: 1, userAlive: 2, probed: 4, unwatched: 8 } as const
export const state = { unknown: 0, up: 1, down: 2 } as const
export const none = 0xffff

export const verdict = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const

const counterNames = [
  'forwarded',
  'toRepair',
  'toTree',
  'toSilent',
  'toUserspace',
  'probesAnswered',
  'replies',
  'droppedTooShort',
  'droppedBadTag',
  'droppedReplay',
  'droppedHopLimit',
  'droppedLoop',
  'redirectFailed',
] as const
export type CounterName = (typeof counterNames)[number]

/** What the daemon writes of itself. */
export interface SelfFields {
  readonly label: Uint8Array
  readonly validUntilNs: bigint
  readonly port: number
  readonly pacerIfindex: number
  readonly probed: readonly number[]
}

export interface LinkFields {
  readonly flags: number
  readonly remoteLinkId: number
  readonly remotePort: number
  readonly remoteIp: string
  readonly sendKey: Uint8Array
  readonly receiveKey: Uint8Array
  readonly intervalNs: bigint
  readonly deadlineNs: bigint
  readonly misses: number
  readonly neighbour: number
  readonly state: number
  readonly sent: bigint
  readonly answered: bigint
  readonly sentNs: bigint
  readonly replyNs: bigint
  /** 0: not learnt. */
  readonly ifindex: number
  readonly localMac: string
  readonly remoteMac: string
  readonly localIp: string
}

/** What the kernel writes of a link. */
export interface LinkView {
  readonly flags: number
  readonly state: number
  readonly streak: number
  readonly sent: bigint
  readonly answered: bigint
  readonly sentNs: bigint
  readonly replyNs: bigint
  readonly rttNs: bigint
  readonly counter: bigint
  readonly consumed: bigint
  readonly txDatagrams: bigint
  readonly txBytes: bigint
  readonly rxDatagrams: bigint
  readonly rxBytes: bigint
  readonly stalls: bigint
  readonly downs: bigint
  readonly ifindex: number
  readonly localMac: Uint8Array
  readonly remoteMac: Uint8Array
  readonly localIp: Uint8Array
}

export interface Tree {
  readonly neighbour: number
  readonly hops: number
}

export interface RouteFields {
  readonly nextHop: number
  readonly feasibleUs: number
  readonly alternate:
    | { readonly neighbour: number; readonly plane: number; readonly remaining: number }
    | undefined
  readonly red: Tree | undefined
  readonly blue: Tree | undefined
  readonly former:
    | { readonly red: Tree | undefined; readonly blue: Tree | undefined; readonly isHeld: boolean }
    | undefined
}

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

function writeLink(fields: LinkFields): Uint8Array {
  const bytes = new Uint8Array(sizes.link)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, fields.flags, true)
  view.setUint16(4, fields.remoteLinkId, true)
  view.setUint16(6, fields.remotePort)
  bytes.set(mappedBytes(fields.remoteIp), 8)
  bytes.set(fields.sendKey, 24)
  bytes.set(fields.receiveKey, 40)
  view.setBigUint64(56, fields.intervalNs, true)
  view.setBigUint64(64, fields.deadlineNs, true)
  view.setUint32(72, fields.misses, true)
  view.setUint16(76, fields.neighbour, true)
  view.setUint32(80, fields.state, true)
  view.setBigUint64(88, fields.sent, true)
  view.setBigUint64(96, fields.answered, true)
  view.setBigUint64(104, fields.sentNs, true)
  view.setBigUint64(112, fields.replyNs, true)
  if (fields.ifindex === 0) return bytes
  view.setUint32(192, fields.ifindex, true)
  bytes.set(macBytes(fields.localMac), 196)
  bytes.set(macBytes(fields.remoteMac), 202)
  bytes.set(mappedBytes(fields.localIp), 208)
  return bytes
}

function readLink(bytes: Uint8Array): LinkView {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const long = (at: number): bigint => view.getBigUint64(at, true)
  return {
    flags: view.getUint32(0, true),
    state: view.getUint32(80, true),
    streak: view.getUint32(84, true),
    sent: long(88),
    answered: long(96),
    sentNs: long(104),
    replyNs: long(112),
    rttNs: long(120),
    counter: long(128),
    consumed: long(136),
    txDatagrams: long(144),
    txBytes: long(152),
    rxDatagrams: long(160),
    rxBytes: long(168),
    stalls: long(176),
    downs: long(184),
    ifindex: view.getUint32(192, true),
    localMac: bytes.slice(196, 202),
    remoteMac: bytes.slice(202, 208),
    localIp: bytes.slice(208, 224),
  }
}

function writeRoute({ nextHop, feasibleUs, alternate, red, blue, former }: RouteFields): Uint8Array {
  const bytes = new Uint8Array(sizes.route)
  const view = new DataView(bytes.buffer)
  const tree = (at: number, entry: Tree | undefined): void => {
    view.setUint16(at, entry?.neighbour ?? none, true)
    view.setUint16(at + 2, entry?.hops ?? 0, true)
  }
  view.setUint16(0, nextHop, true)
  view.setUint16(2, alternate?.neighbour ?? none, true)
  view.setUint32(4, feasibleUs, true)
  view.setUint32(8, alternate?.remaining ?? 0, true)
  bytes[12] = alternate?.plane ?? 0
  bytes[13] = former === undefined ? 0 : 1
  bytes[14] = former?.isHeld === true ? 1 : 0
  tree(16, red)
  tree(20, blue)
  tree(24, former?.red)
  tree(28, former?.blue)
  return bytes
}

/** The object in the kernel, its maps by their fields. */
export interface Fastpath extends Disposable {
  readonly object: LoadedObject
  run(frame: Uint8Array, ifindex?: number): TestRun
  setSelf(fields: SelfFields): void
  ticks(): bigint
  setLink(slot: number, localLinkId: number, fields: LinkFields): void
  removeLinkId(localLinkId: number): void
  link(slot: number): LinkView
  window(slot: number, byKernel: boolean): { readonly top: bigint }
  setNeighbour(index: number, label: Uint8Array, slots: readonly [number, number]): void
  setRoute(label: Uint8Array, fields: RouteFields | undefined): void
  setMute(ifindex: number, isMute: boolean): void
  counters(): Record<CounterName, bigint>
}

export function openFastpath(object: LoadedObject): Fastpath {
  const map = (name: string): BpfMap => {
    const found = object.maps.get(`fastpath_${name}`)
    if (found === undefined) throw new Error(`no map fastpath_${name}`)
    return found
  }
  const program = object.programs.get('x0t_fastpath')
  if (program === undefined)
    throw new Error(object.refusals.map(({ log, message }) => message + log).join('\n'))
  const [self, links, ids, windows] = ['self', 'links', 'link_ids', 'windows'].map(map) as [
    BpfMap,
    BpfMap,
    BpfMap,
    BpfMap,
  ]
  const [neighbours, routes, counters] = ['neighbours', 'routes', 'counters'].map(map) as [
    BpfMap,
    BpfMap,
    BpfMap,
  ]
  const emptyWindow = new Uint8Array(sizes.window)
  return {
    object,
    run: (frame, ifindex) => program.testRun(frame, ifindex === undefined ? {} : { ifindex }),
    setSelf({ label, validUntilNs, port, pacerIfindex, probed }) {
      const bytes = self.get(u32(0))!.slice()
      const view = new DataView(bytes.buffer)
      bytes.set(label, 0)
      view.setBigUint64(8, validUntilNs, true)
      view.setUint32(16, 2, true)
      view.setUint16(20, port)
      view.setUint16(22, probed.length, true)
      view.setUint32(24, pacerIfindex, true)
      probed.forEach((slot, i) => view.setUint16(48 + 2 * i, slot, true))
      self.set(u32(0), bytes)
    },
    ticks: () => new DataView(self.get(u32(0))!.slice().buffer).getBigUint64(40, true),
    setLink(slot, localLinkId, fields) {
      links.set(u32(slot), writeLink(fields))
      windows.set(u32(slot * 2), emptyWindow)
      windows.set(u32(slot * 2 + 1), emptyWindow)
      ids.set(u32(localLinkId), u32(slot))
    },
    removeLinkId: (localLinkId) => void ids.delete(u32(localLinkId)),
    link: (slot) => readLink(links.get(u32(slot))!),
    window(slot, byKernel) {
      const bytes = windows.get(u32(slot * 2 + (byKernel ? 1 : 0)))!.slice()
      return { top: new DataView(bytes.buffer).getBigUint64(8, true) }
    },
    setNeighbour(index, label, slots) {
      const bytes = new Uint8Array(sizes.neighbour)
      const view = new DataView(bytes.buffer)
      bytes.set(label)
      view.setUint16(8, slots[0], true)
      view.setUint16(10, slots[1], true)
      neighbours.set(u32(index), bytes)
    },
    setRoute(label, fields) {
      if (fields === undefined) routes.delete(label)
      else routes.set(label, writeRoute(fields))
    },
    setMute(ifindex, isMute) {
      if (isMute) map('mute').set(u32(ifindex), Uint8Array.of(1))
      else map('mute').delete(u32(ifindex))
    },
    counters() {
      const values = [...counters.entries()].toSorted(([a], [b]) => a[0]! - b[0]!)
      return Object.fromEntries(
        counterNames.map((name, i) => {
          const perCpu = values[i]![1].slice()
          const view = new DataView(perCpu.buffer)
          let sum = 0n
          for (let at = 0; at < perCpu.length; at += 8) sum += view.getBigUint64(at, true)
          return [name, sum]
        }),
      ) as Record<CounterName, bigint>
    },
    [Symbol.dispose]: () => object[Symbol.dispose](),
  }
}

export const readFastpath = (): Promise<Uint8Array> => readProgram('fastpath')
