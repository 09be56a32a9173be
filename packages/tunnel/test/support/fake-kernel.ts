import type { Arena } from '../../src/arena.ts'
import { errno, type Kernel } from '../../src/kernel.ts'
import { openLibc } from '../../src/libc.ts'

export interface FakeDatagram {
  readonly bytes: Buffer
  /** struct sockaddr_in6 of the sender. */
  readonly from: Buffer
}

/**
 * A kernel for one thread: interprets msghdr, mmsghdr and iovec as Linux does. Addresses are real, so that
 * OpenSSL can work on the same memory.
 */
export interface FakeKernel extends Kernel {
  readonly tunIn: Buffer[]
  readonly tunOut: Buffer[]
  readonly udpIn: FakeDatagram[]
  /** What sendmsg answers before it sends, if not 0. */
  sendError: (segments: number) => number
  /** Sizes of the bursts sent. */
  readonly bursts: number[]
  /** Longest datagram the "device" takes. */
  mtu: number
  onPoll: (timeoutMs: number) => void
  readonly wakes: number[]
}

const udpFd = 7
const tunFd = 8
export const fds = {
  udpFd,
  udpPort: 7000,
  tunFd,
  wakeFd: 9,
  otherWakeFd: 10,
  monitorFd: -1,
  queryFd: -1,
}

export function createFakeKernel(deliver: (to: Buffer, datagram: Buffer) => void): FakeKernel {
  const libc = openLibc()
  const memories: { readonly base: number; readonly bytes: Uint8Array }[] = []
  const at = (address: bigint, length: number): Buffer => {
    const value = Number(address)
    const found = memories.find(({ base, bytes }) => value >= base && value + length <= base + bytes.length)
    if (found === undefined) throw new Error(`address ${address} is in no arena`)
    return Buffer.from(found.bytes.buffer as ArrayBuffer, value - found.base, length)
  }
  const kernel: FakeKernel = {
    tunIn: [],
    tunOut: [],
    udpIn: [],
    bursts: [],
    wakes: [],
    mtu: 65_535,
    sendError: () => 0,
    onPoll: () => {},
    addressOf(memory) {
      const base = libc.addressOf(memory)
      memories.push({ base: Number(base), bytes: new Uint8Array(memory) })
      return base
    },
    read(fd, address, length) {
      if (fd !== tunFd) return 8
      const packet = kernel.tunIn.shift()
      if (packet === undefined) return -errno.EAGAIN
      packet.copy(at(address, length))
      return packet.length
    },
    write(fd, address, length) {
      if (fd === fds.otherWakeFd) kernel.wakes.push(fd)
      else if (fd === tunFd) kernel.tunOut.push(Buffer.from(at(address, length)))
      return length
    },
    close: () => 0,
    clockGettime(_clock, address) {
      at(address, 16).fill(0)
      return 0
    },
    poll(address, count, timeoutMs) {
      kernel.onPoll(timeoutMs)
      const set = at(address, count * 8)
      set.writeUInt16LE(kernel.udpIn.length + kernel.tunIn.length > 0 ? 1 : 0, 6)
      set.writeUInt16LE(1, 14)
      return 1
    },
    sendmsg(_fd, address) {
      const message = at(address, 56)
      const name = Buffer.from(at(message.readBigUInt64LE(0), 28))
      const vectors = at(message.readBigUInt64LE(16), Number(message.readBigUInt64LE(24)) * 16)
      const pieces: Buffer[] = []
      for (let i = 0; i < vectors.length; i += 16) {
        pieces.push(at(vectors.readBigUInt64LE(i), Number(vectors.readBigUInt64LE(i + 8))))
      }
      const whole = Buffer.concat(pieces)
      let size = whole.length
      if (message.readBigUInt64LE(40) > 0n) size = at(message.readBigUInt64LE(32), 18).readUInt16LE(16)
      const segments = Math.ceil(whole.length / size)
      const error = kernel.sendError(segments)
      if (error < 0) return error
      if (size > kernel.mtu) return -errno.EMSGSIZE
      if (segments > 64 || whole.length > 65_507) return -errno.EINVAL
      kernel.bursts.push(segments)
      for (let from = 0; from < whole.length; from += size)
        deliver(name, Buffer.from(whole.subarray(from, from + size)))
      return whole.length
    },
    recvmmsg(_fd, address, count) {
      const vector = at(address, count * 64)
      let used = 0
      while (used < count && kernel.udpIn.length > 0) {
        const first = kernel.udpIn.shift()!
        const merged = [first.bytes]
        // As GRO does: the same sender, equal lengths, a shorter one ends it.
        let total = first.bytes.length
        for (let next = kernel.udpIn[0]; next !== undefined; next = kernel.udpIn[0]) {
          const last = merged.at(-1)!
          const fits = total + next.bytes.length <= 65_507 && last.length === first.bytes.length
          if (!fits || !next.from.equals(first.from) || next.bytes.length > first.bytes.length) break
          merged.push(next.bytes)
          total += next.bytes.length
          kernel.udpIn.shift()
        }
        const message = vector.subarray(used * 64, used * 64 + 64)
        first.from.copy(at(message.readBigUInt64LE(0), 28))
        Buffer.concat(merged).copy(at(at(message.readBigUInt64LE(16), 16).readBigUInt64LE(0), total))
        if (merged.length > 1) {
          const control = at(message.readBigUInt64LE(32), 24)
          control.writeUInt32LE(20, 0)
          control.writeInt32LE(17, 8)
          control.writeInt32LE(104, 12)
          control.writeInt32LE(first.bytes.length, 16)
        }
        message.writeUInt32LE(merged.length > 1 ? 24 : 0, 40)
        message.writeUInt32LE(total, 56)
        used++
      }
      return used === 0 ? -errno.EAGAIN : used
    },
  }
  return kernel
}

export function buffer(arena: Arena, at: number, length: number): Buffer {
  return Buffer.from(arena.bytes.slice(at, at + length))
}
