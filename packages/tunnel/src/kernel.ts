/**
 * System calls of one thread. All return the call's result, or the negative error number; addresses are
 * 64-bit. The real one is {@link openKernel}; tests pass one that interprets the same structures.
 */
export interface Kernel {
  addressOf(memory: ArrayBuffer): bigint
  read(fd: number, address: bigint, length: number): number
  write(fd: number, address: bigint, length: number): number
  close(fd: number): number
  poll(address: bigint, count: number, timeoutMs: number): number
  sendmsg(fd: number, address: bigint, flags: number): number
  recvmmsg(fd: number, address: bigint, count: number, flags: number): number
  /** Writes a struct timespec. */
  clockGettime(clock: number, address: bigint): number
}

/** Numbers of <errno.h> that the data plane tells apart; the same on x86-64 and arm64. */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  EINVAL: 22,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  ENETUNREACH: 101,
  ENOBUFS: 105,
  EHOSTUNREACH: 113,
} as const

/** Name of an error number, for messages. */
export function errnoName(number: number): string {
  for (const [name, value] of Object.entries(errno)) if (value === number) return name
  return `errno ${number}`
}
