import { arch, platform } from 'node:os'
import { hasCode, X0tError } from '@x0t/core'

/**
 * The kernel, as far as BPF needs it: the only file that calls foreign functions. Calls return their result, or the
 * negative error number.
 */
export interface Syscalls {
  /** @param attributes union bpf_attr, as long as this command needs */
  bpf(command: number, attributes: ArrayBuffer): number
  close(fd: number): number
  /** open(2) with O_CLOEXEC. */
  open(path: string): number
  duplicate(fd: number): number
  /** flock(2), exclusive, without waiting: false if another descriptor has it. Ends when the descriptor is closed. */
  lock(fd: number): boolean
  /** @returns the address, or the negative error number */
  mmap(bytes: number, protection: number, fd: number, offset: number): bigint
  munmap(address: bigint, bytes: number): number
  addressOf(memory: NodeJS.ArrayBufferView | ArrayBuffer): bigint
  /** The memory at an address, not a copy. */
  memoryAt(address: bigint, bytes: number): ArrayBuffer
  /** A datagram socket with SOCK_CLOEXEC. */
  socket(family: number, protocol: number): number
  read(fd: number, memory: Uint8Array): number
  write(fd: number, memory: Uint8Array): number
  /** In the network namespace of the calling thread; 0 if there is none of this name. */
  interfaceIndex(name: string): number
  interfaceName(index: number): string | undefined
  readonly pageBytes: number
  /** Gives the calling thread namespaces of its own. */
  unshare(flags: number): number
  /** Takes the calling thread into the namespace of a descriptor. */
  setns(fd: number, type: number): number
}

type Ffi = typeof import('node:ffi')

const signatures = {
  __errno_location: { arguments: [], return: 'pointer' },
  syscall: { arguments: ['i64', 'i64', 'pointer', 'i64'], return: 'i64' },
  close: { arguments: ['i32'], return: 'i32' },
  open: { arguments: ['pointer', 'i32', 'i32'], return: 'i32' },
  fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  flock: { arguments: ['i32', 'i32'], return: 'i32' },
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  read: { arguments: ['i32', 'pointer', 'u64'], return: 'i64' },
  write: { arguments: ['i32', 'pointer', 'u64'], return: 'i64' },
  mmap: { arguments: ['u64', 'u64', 'i32', 'i32', 'i32', 'i64'], return: 'i64' },
  munmap: { arguments: ['u64', 'u64'], return: 'i32' },
  if_nametoindex: { arguments: ['pointer'], return: 'u32' },
  if_indextoname: { arguments: ['u32', 'pointer'], return: 'u64' },
  sysconf: { arguments: ['i32'], return: 'i64' },
  unshare: { arguments: ['i32'], return: 'i32' },
  setns: { arguments: ['i32', 'i32'], return: 'i32' },
} as const

/** Number of bpf(2), <asm/unistd.h>. */
const bpfNumbers: Readonly<Record<string, bigint>> = { x64: 321n, arm64: 280n }

const O_CLOEXEC = 0o2000000
const SOCK_RAW = 3
const F_DUPFD_CLOEXEC = 1030
const LOCK_EX_NB = 2 | 4
const MAP_SHARED = 1
const SC_PAGESIZE = 30
const IF_NAMESIZE = 16

let opened: Syscalls | undefined

/**
 * The system calls of this thread (errno is per thread, and so is this module).
 * @throws X0tError BPF_UNSUPPORTED without node:ffi, or on an unknown system
 */
export function openSyscalls(): Syscalls {
  opened ??= bindSyscalls()
  return opened
}

/** node:ffi, or undefined where Node.js has none. */
export function loadFfi(): Ffi | undefined {
  return process.getBuiltinModule('node:ffi') as Ffi | undefined
}

/** libc, as the process has it. */
function openLibrary(ffi: Ffi) {
  try {
    return ffi.dlopen(null, signatures)
  } catch (error) {
    if (!hasCode(error, 'ERR_ACCESS_DENIED')) throw error
    throw new X0tError('BPF_NOT_PERMITTED', 'the permission model of Node.js denies node:ffi', {
      cause: error,
      hint: 'run node with --allow-ffi',
    })
  }
}

function bindSyscalls(): Syscalls {
  const number = bpfNumbers[arch()]
  if (platform() !== 'linux' || number === undefined) {
    throw new X0tError('BPF_UNSUPPORTED', `no BPF on ${platform()} ${arch()}; needed: Linux on x64 or arm64`)
  }
  const ffi = loadFfi()
  if (ffi === undefined) {
    throw new X0tError('BPF_UNSUPPORTED', 'this Node.js has no node:ffi', {
      hint: 'use Node.js 26.7 or later without --no-experimental-ffi, or install bpftool',
    })
  }
  const { functions } = openLibrary(ffi)
  const { __errno_location: errnoLocation } = functions
  const errnoOf = new Int32Array(ffi.toArrayBuffer(errnoLocation(), 4, false))
  const checked = (result: number): number => (result < 0 ? -errnoOf[0]! : result)
  return {
    bpf: (command, attributes) =>
      checked(Number(functions.syscall(number, BigInt(command), attributes, BigInt(attributes.byteLength)))),
    close: (fd) => checked(functions.close(fd)),
    open: (path) => checked(functions.open(path, O_CLOEXEC, 0)),
    duplicate: (fd) => checked(functions.fcntl(fd, F_DUPFD_CLOEXEC, 0)),
    lock: (fd) => checked(functions.flock(fd, LOCK_EX_NB)) === 0,
    socket: (family, protocol) => checked(functions.socket(family, SOCK_RAW | O_CLOEXEC, protocol)),
    read: (fd, memory) => checked(Number(functions.read(fd, memory, BigInt(memory.length)))),
    write: (fd, memory) => checked(Number(functions.write(fd, memory, BigInt(memory.length)))),
    mmap(bytes, protection, fd, offset) {
      const address = functions.mmap(0n, BigInt(bytes), protection, MAP_SHARED, fd, BigInt(offset))
      return address === -1n ? BigInt(-errnoOf[0]!) : address
    },
    munmap: (address, bytes) => checked(functions.munmap(address, BigInt(bytes))),
    addressOf: (memory) => ffi.getRawPointer(memory),
    memoryAt: (address, bytes) => ffi.toArrayBuffer(address, bytes, false),
    interfaceIndex: (name) => functions.if_nametoindex(name),
    interfaceName(index) {
      const name = Buffer.alloc(IF_NAMESIZE)
      return functions.if_indextoname(index, name) === 0n
        ? undefined
        : name.toString('latin1').split('\0', 1)[0]
    },
    pageBytes: Number(functions.sysconf(SC_PAGESIZE)),
    unshare: (flags) => checked(functions.unshare(flags)),
    setns: (fd, type) => checked(functions.setns(fd, type)),
  }
}
