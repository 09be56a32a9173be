import { dlopen } from 'node:ffi'
import type { SocketAddress } from './socket-address.ts'

/** Blocking system calls of the two programs of the stream; `now` and deadlines are CLOCK_MONOTONIC, milliseconds. */
export interface StreamLibc {
  now(): number
  /** Sleeps until an instant; an instant in the past returns at once. */
  sleepUntil(atMs: number): void
  /** Highest priority this process may have: of this thread only, so that the program's other threads stay mild. */
  raisePriority(): string
  /** A UDP socket bound to an address, with the largest receive buffer the kernel grants up to 4 MiB. */
  socket(bound: SocketAddress): number
  /** False where the kernel refused the datagram: no route, no buffer. */
  send(fd: number, payload: Uint8Array<ArrayBuffer>, to: SocketAddress): boolean
  /** Whether a descriptor can be read or its other end is closed. Does not wait. */
  isReadable(fd: number): boolean
}

const clockMonotonic = 1
const timerAbsolute = 1
const dontWait = 0x40
const socketLevel = 1
const receiveBufferForce = 33
const roundRobin = 2
/** Above ordinary work and below nothing of the kernel's; the same for every system under test. */
const realTimePriority = 10
const receiveBufferBytes = 4 * 2 ** 20

const signatures = {
  clock_gettime: { arguments: ['i32', 'buffer'], return: 'i32' },
  clock_nanosleep: { arguments: ['i32', 'i32', 'buffer', 'u64'], return: 'i32' },
  sched_setscheduler: { arguments: ['i32', 'i32', 'buffer'], return: 'i32' },
  setpriority: { arguments: ['i32', 'u32', 'i32'], return: 'i32' },
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  bind: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'u32'], return: 'i32' },
  sendto: { arguments: ['i32', 'buffer', 'u64', 'i32', 'buffer', 'u32'], return: 'i64' },
  poll: { arguments: ['buffer', 'u64', 'i32'], return: 'i32' },
} as const

export function openStreamLibc(): StreamLibc {
  const { functions: libc } = dlopen(null, signatures)
  // struct timespec of 64-bit Linux; seconds since boot fit 32 bits.
  const time = new Uint32Array(4)
  const timeBytes = new Uint8Array(time.buffer)
  const polled = new Int32Array(2)
  const polledBytes = new Uint8Array(polled.buffer)
  const readable = 1
  return {
    now() {
      libc.clock_gettime(clockMonotonic, timeBytes)
      return time[0]! * 1000 + time[2]! / 1e6
    },
    sleepUntil(atMs) {
      const seconds = Math.floor(atMs / 1000)
      time[0] = seconds
      time[1] = 0
      time[2] = Math.round((atMs - seconds * 1000) * 1e6)
      time[3] = 0
      libc.clock_nanosleep(clockMonotonic, timerAbsolute, timeBytes, 0n)
    },
    raisePriority() {
      const priority = new Uint8Array(Int32Array.of(realTimePriority).buffer)
      if (libc.sched_setscheduler(0, roundRobin, priority) === 0) return `round robin ${realTimePriority}`
      return libc.setpriority(0, 0, -20) === 0 ? 'nice -20' : 'ordinary'
    },
    socket({ family, bytes }) {
      const fd = libc.socket(family, 2, 0)
      if (fd < 0) throw new Error('socket() failed')
      const size = new Uint8Array(Int32Array.of(receiveBufferBytes).buffer)
      libc.setsockopt(fd, socketLevel, receiveBufferForce, size, size.length)
      if (libc.bind(fd, bytes, bytes.length) !== 0) throw new Error('bind() failed')
      return fd
    },
    send: (fd, payload, to) =>
      Number(libc.sendto(fd, payload, BigInt(payload.length), dontWait, to.bytes, to.bytes.length)) ===
      payload.length,
    isReadable(fd) {
      polled.set([fd, readable])
      libc.poll(polledBytes, 1n, 0)
      // revents is the upper half of the second word.
      return polled[1]! >>> 16 !== 0
    },
  }
}
