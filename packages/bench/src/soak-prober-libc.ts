import { closeSync, openSync } from 'node:fs'
import { dlopen, getRawPointer } from 'node:ffi'
import { familyIpv6, socketAddress } from './mttr/stream/socket-address.ts'

const [datagram, nonBlocking, closeOnExec] = [2, 0o4000, 0o2000000]
const newNetwork = 0x40000000
const dontWait = 0x40

const signatures = {
  setns: { arguments: ['i32', 'i32'], return: 'i32' },
  setpriority: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  bind: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  sendto: { arguments: ['i32', 'pointer', 'i32', 'i32', 'pointer', 'i32'], return: 'i32' },
  recv: { arguments: ['i32', 'pointer', 'i32', 'i32'], return: 'i32' },
  ppoll: { arguments: ['pointer', 'i32', 'pointer', 'u64'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
} as const

/** System calls of the prober's thread: what Node cannot do is to hold sockets in several network namespaces. */
export function openProberLibc() {
  const { functions: libc } = dlopen(null, signatures)
  return {
    /** Before other threads, as far as this process may. */
    hurry: () => libc.setpriority(0, 0, -10),
    /** A UDP socket in a network namespace, bound to a port; the thread stays in that namespace. */
    socketIn(namespace: string, port: number): number {
      const file = openSync(namespace, 'r')
      const entered = libc.setns(file, newNetwork)
      closeSync(file)
      if (entered < 0) throw new Error(`cannot enter ${namespace}`)
      const fd = libc.socket(familyIpv6, datagram | nonBlocking | closeOnExec, 0)
      const address = socketAddress('::', port).bytes
      if (fd < 0 || libc.bind(fd, getRawPointer(address), address.length) < 0)
        throw new Error(`cannot bind port ${port} in ${namespace}`)
      return fd
    },
    /** What cannot be sent, as there is no route, is lost like anything else. */
    send: (fd: number, bytes: Uint8Array, address: Uint8Array): void =>
      void libc.sendto(
        fd,
        getRawPointer(bytes),
        bytes.length,
        dontWait,
        getRawPointer(address),
        address.length,
      ),
    /** Bytes received, below zero if there are none. */
    receive: (fd: number, into: Uint8Array): number =>
      libc.recv(fd, getRawPointer(into), into.length, dontWait),
    /** Waits for input on `polls`, struct pollfd one after the other. */
    wait(polls: Int32Array, timespec: BigInt64Array): void {
      libc.ppoll(getRawPointer(polls), polls.length / 2, getRawPointer(timespec), 0n)
    },
    close: (fd: number) => libc.close(fd),
  }
}
