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
}

// struct mmsghdr, iovec, cmsghdr of 64-bit Linux; <linux/udp.h>
const mmsghdrBytes = 64
const SOL_UDP = 17
const UDP_GRO = 104
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
  let used = 0
  return {
    receive() {
      // The kernel has overwritten the lengths of the messages that it filled last time.
      for (let i = 0; i < used; i++) reset(view, vectorAt + i * mmsghdrBytes)
      const count = kernel.recvmmsg(udpFd, vector, slots, MSG_DONTWAIT)
      used = Math.max(0, count)
      return count
    },
    messageAt: (index) => buffersAt + index * slotBytes,
    messageBytes: (index) => view.getUint32(vectorAt + index * mmsghdrBytes + 56, true),
    datagramBytes(index) {
      const message = vectorAt + index * mmsghdrBytes
      const whole = view.getUint32(message + 56, true)
      if (view.getUint32(message + 40, true) < 20) return whole
      const control = controlsAt + index * controlBytes
      const isGro =
        view.getInt32(control + 8, true) === SOL_UDP && view.getInt32(control + 12, true) === UDP_GRO
      return isGro ? view.getInt32(control + 16, true) : whole
    },
    nameAt: (index) => namesAt + index * 32,
  }
}

function reset(view: DataView, at: number): void {
  view.setUint32(at + 8, socketAddressBytes, true)
  view.setUint32(at + 40, controlBytes, true)
  view.setUint32(at + 48, 0, true)
}
