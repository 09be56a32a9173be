import { dlopen, getRawPointer, toArrayBuffer } from 'node:ffi'
import { arch } from 'node:os'
import { errno, type Kernel } from './kernel.ts'
import type { Scheduling } from './thread-priority.ts'

/** What the owner's thread needs beyond {@link Kernel}, to open sockets and devices. */
export interface Libc extends Kernel, Scheduling {
  /** The memory at an address of this process, not a copy. */
  memoryAt(address: bigint, length: number): ArrayBuffer
  open(path: string, flags: number): number
  ioctl(fd: number, request: number, address: bigint): number
  socket(family: number, type: number, protocol: number): number
  bind(fd: number, address: bigint, length: number): number
  getsockname(fd: number, address: bigint, lengthAddress: bigint): number
  setsockopt(fd: number, level: number, name: number, address: bigint, length: number): number
  eventfd(initial: number, flags: number): number
}

const signatures = {
  __errno_location: { arguments: [], return: 'pointer' },
  read: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  write: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  poll: { arguments: ['pointer', 'i32', 'i32'], return: 'i32' },
  sendmsg: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  recvmmsg: { arguments: ['i32', 'pointer', 'i32', 'i32', 'pointer'], return: 'i32' },
  open: { arguments: ['pointer', 'i32', 'i32'], return: 'i32' },
  ioctl: { arguments: ['i32', 'u64', 'pointer'], return: 'i32' },
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  bind: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  getsockname: { arguments: ['i32', 'pointer', 'pointer'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'i32'], return: 'i32' },
  eventfd: { arguments: ['i32', 'i32'], return: 'i32' },
  clock_gettime: { arguments: ['i32', 'pointer'], return: 'i32' },
  syscall: { arguments: ['i64', 'i64', 'pointer', 'i64', 'i64'], return: 'i64' },
} as const

interface SchedulingNumbers {
  readonly set: bigint
  readonly get: bigint
}
/** Numbers of sched_setattr and sched_getattr, <asm/unistd.h>. */
const schedulingNumbers: Readonly<Record<string, SchedulingNumbers>> = {
  x64: { set: 314n, get: 315n },
  arm64: { set: 274n, get: 275n },
}

/** The system calls of this thread through libc; to be opened once in each thread, since errno is per thread. */
export function openLibc(): Libc {
  const { functions } = dlopen(null, signatures)
  const { __errno_location: errnoLocation } = functions
  const errnoOf = new Int32Array(toArrayBuffer(errnoLocation(), 4, false))
  const checked = (result: number): number => (result < 0 ? -errnoOf[0]! : result)
  const numbers = schedulingNumbers[arch()]
  const scheduling = (call: (numbers: SchedulingNumbers) => bigint): number =>
    numbers === undefined ? -errno.EOPNOTSUPP : checked(Number(call(numbers)))
  return {
    addressOf: (memory) => getRawPointer(memory),
    memoryAt: (address, length) => toArrayBuffer(address, length, false),
    read: (fd, address, length) => checked(functions.read(fd, address, length)),
    write: (fd, address, length) => checked(functions.write(fd, address, length)),
    close: (fd) => checked(functions.close(fd)),
    poll: (address, count, timeoutMs) => checked(functions.poll(address, count, timeoutMs)),
    sendmsg: (fd, address, flags) => checked(functions.sendmsg(fd, address, flags)),
    recvmmsg: (fd, address, count, flags) => checked(functions.recvmmsg(fd, address, count, flags, 0n)),
    open: (path, flags) => checked(functions.open(path, flags, 0)),
    ioctl: (fd, request, address) => checked(functions.ioctl(fd, BigInt(request), address)),
    socket: (family, type, protocol) => checked(functions.socket(family, type, protocol)),
    bind: (fd, address, length) => checked(functions.bind(fd, address, length)),
    getsockname: (fd, address, lengthAddress) => checked(functions.getsockname(fd, address, lengthAddress)),
    setsockopt: (fd, level, name, address, length) =>
      checked(functions.setsockopt(fd, level, name, address, length)),
    eventfd: (initial, flags) => checked(functions.eventfd(initial, flags)),
    clockGettime: (clock, address) => checked(functions.clock_gettime(clock, address)),
    // Thread 0 is the calling one; glibc has these two since 2.41 only.
    setAttributes: (address) => scheduling((numbers) => functions.syscall(numbers.set, 0n, address, 0n, 0n)),
    getAttributes: (address, length) =>
      scheduling((numbers) => functions.syscall(numbers.get, 0n, address, BigInt(length), 0n)),
  }
}
