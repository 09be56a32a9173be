import { dlopen, getRawPointer, toArrayBuffer } from 'node:ffi'

const signatures = {
  __errno_location: { arguments: [], return: 'pointer' },
  setns: { arguments: ['i32', 'i32'], return: 'i32' },
  open: { arguments: ['pointer', 'i32', 'i32'], return: 'i32' },
  ioctl: { arguments: ['i32', 'u64', 'pointer'], return: 'i32' },
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  bind: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'i32'], return: 'i32' },
  setpriority: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  ppoll: { arguments: ['pointer', 'i32', 'pointer', 'pointer'], return: 'i32' },
  read: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  write: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
} as const

/** Errors that are part of a device's life. */
export const errno = { interrupted: 4, again: 11 } as const

/** The system calls of this thread through libc; a result below zero is minus errno. */
export function openLibc() {
  const { functions } = dlopen(null, signatures)
  const { __errno_location: errnoLocation } = functions
  const errnoOf = new Int32Array(toArrayBuffer(errnoLocation(), 4, false))
  const checked = (result: number): number => (result < 0 ? -errnoOf[0]! : result)
  const succeed = (what: string, result: number): number => {
    if (result < 0) throw new Error(`${what}: errno ${errnoOf[0]!}`)
    return result
  }
  return {
    addressOf: (memory: Uint8Array): bigint => getRawPointer(memory),
    /** Moves this thread into the network namespace behind an open file. */
    enterNetwork: (fd: number) => succeed('setns', functions.setns(fd, 0x40000000)),
    openDevice: (path: string) => succeed(path, functions.open(path, 0x802 /* O_RDWR | O_NONBLOCK */, 0)),
    ioctl: (fd: number, request: number, argument: bigint) =>
      succeed(`ioctl ${request.toString(16)}`, functions.ioctl(fd, BigInt(request), argument)),
    socket: (family: number, type: number) => succeed('socket', functions.socket(family, type, 0)),
    bind: (fd: number, address: Uint8Array) =>
      succeed('bind', functions.bind(fd, getRawPointer(address), address.length)),
    setOption: (fd: number, level: number, name: number, value: number) =>
      succeed(
        `setsockopt ${level} ${name}`,
        functions.setsockopt(fd, level, name, getRawPointer(new Int32Array([value])), 4),
      ),
    /** Nice value of this thread; not all may go below zero, which costs accuracy only. */
    setNice: (nice: number) => checked(functions.setpriority(0, 0, nice)),
    /** Waits for input of any of the files; the timeout has the precision of the kernel's timers. */
    pollInput: (polls: Int32Array, timespec: BigInt64Array) =>
      checked(functions.ppoll(getRawPointer(polls), polls.length / 2, getRawPointer(timespec), 0n)),
    read: (fd: number, memory: Uint8Array) =>
      checked(functions.read(fd, getRawPointer(memory), memory.length)),
    write: (fd: number, memory: Uint8Array) =>
      checked(functions.write(fd, getRawPointer(memory), memory.length)),
  }
}

export type Libc = ReturnType<typeof openLibc>
