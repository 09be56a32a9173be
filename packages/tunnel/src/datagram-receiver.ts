import type { Arena } from './arena.ts'
import type { Kernel } from './kernel.ts'
import { socketAddressBytes } from './socket-address.ts'

/** Receives datagrams into the arena, many per system call, each message being one burst that GRO has kept together. */
export interface DatagramReceiver {
  /** Number of messages received, 0 if there are none, or the negative error number. */
  receive(): number
  messageAt(index: number): number
  messageBytes(index: number): number
  /** Size of the message's datagrams; the last may be shorter. */
  datagramBytes(index: number): number
  /** struct sockaddr_in6 of the sender. */
  nameAt(index: number): number
  /** How long ago the kernel took it from the network, ms; 0 where it does not say. */
  ageMs(index: number): number
  /** True if the last call took all that had arrived. */
  readonly isDrained: boolean
}

// struct mmsghdr, iovec, cmsghdr of 64-bit Linux; <linux/udp.h>
const mmsghdrBytes = 64
const SOL_UDP = 17
const UDP_GRO = 104
const SOL_SOCKET = 1
const SCM_TIMESTAMPNS = 35
const CLOCK_REALTIME = 0
/** Beyond this the clock was set, or the stamp is none. */
const maxAgeMs = 60_000
const MSG_DONTWAIT = 0x40
const slots = 64
const slotBytes = 65_536
const controlBytes = 64

export function createDatagramReceiver(arena: Arena, kernel: Kernel, udpFd: number): DatagramReceiver {
  const { view } = arena
  const buffersAt = arena.allocate(slots * slotBytes)
  const vectorAt = arena.allocate(slots * mmsghdrBytes)
  const iovecsAt = arena.allocate(slots * 16)
  const namesAt = arena.allocate(slots * 32)
  const controlsAt = arena.allocate(slots * controlBytes)
  for (let i = 0; i < slots; i++) {
    const at = vectorAt + i * mmsghdrBytes
    arena.setPointer(iovecsAt + i * 16, buffersAt + i * slotBytes)
    view.setUint32(iovecsAt + i * 16 + 8, slotBytes, true)
    arena.setPointer(at, namesAt + i * 32)
    arena.setPointer(at + 16, iovecsAt + i * 16)
    view.setUint32(at + 24, 1, true)
    arena.setPointer(at + 32, controlsAt + i * controlBytes)
    reset(view, at)
  }
  const vector = arena.pointer(vectorAt)
  const clockAt = arena.allocate(16)
  const clock = arena.pointer(clockAt)
  let used = 0
  let drained = true
  /** Offset of the data of a control message, or 0. */
  const find = (index: number, level: number, type: number, dataBytes: number): number => {
    const message = vectorAt + index * mmsghdrBytes
    const from = controlsAt + index * controlBytes
    const end = from + Math.min(controlBytes, view.getUint32(message + 40, true))
    for (let at = from; at + 16 + dataBytes <= end;) {
      const length = view.getUint32(at, true)
      const isIt = view.getInt32(at + 8, true) === level && view.getInt32(at + 12, true) === type
      if (isIt && length >= 16 + dataBytes) return at + 16
      if (length < 16) return 0
      at += (length + 7) & ~7
    }
    return 0
  }
  return {
    receive() {
      // The kernel has overwritten the lengths of the messages that it filled last time.
      for (let i = 0; i < used; i++) reset(view, vectorAt + i * mmsghdrBytes)
      const count = kernel.recvmmsg(udpFd, vector, slots, MSG_DONTWAIT)
      used = Math.max(0, count)
      drained = count < slots
      if (count > 0) kernel.clockGettime(CLOCK_REALTIME, clock)
      return count
    },
    messageAt: (index) => buffersAt + index * slotBytes,
    messageBytes: (index) => view.getUint32(vectorAt + index * mmsghdrBytes + 56, true),
    datagramBytes(index) {
      const message = vectorAt + index * mmsghdrBytes
      const whole = view.getUint32(message + 56, true)
      const at = find(index, SOL_UDP, UDP_GRO, 4)
      return at === 0 ? whole : view.getInt32(at, true)
    },
    ageMs(index) {
      const at = find(index, SOL_SOCKET, SCM_TIMESTAMPNS, 16)
      if (at === 0) return 0
      const seconds = view.getUint32(clockAt, true) - view.getUint32(at, true)
      const age = seconds * 1000 + (view.getUint32(clockAt + 8, true) - view.getUint32(at + 8, true)) / 1e6
      return age > 0 && age < maxAgeMs ? age : 0
    },
    get isDrained() {
      return drained
    },
    nameAt: (index) => namesAt + index * 32,
  }
}

function reset(view: DataView, at: number): void {
  view.setUint32(at + 8, socketAddressBytes, true)
  view.setUint32(at + 40, controlBytes, true)
  view.setUint32(at + 48, 0, true)
}
