import { X0tError } from '@x0t/core'
import type { Arena } from './arena.ts'
import { errnoName } from './kernel.ts'
import type { Libc } from './libc.ts'
import {
  decodeSocketAddress,
  encodeSocketAddress,
  socketAddressBytes,
  type Endpoint,
} from './socket-address.ts'

// <sys/socket.h>, <netinet/in.h>, <linux/udp.h>
const AF_INET6 = 10
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000
const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_SNDTIMEO = 21
const SO_RCVBUFFORCE = 33
const IPPROTO_IP = 0
const IP_MTU_DISCOVER = 10
const IPPROTO_IPV6 = 41
const IPV6_MTU_DISCOVER = 23
const IPV6_V6ONLY = 26
/** Never fragment, and ignore what ICMP claims: the probes measure the path (RFC 8899). */
const PMTUDISC_PROBE = 3
const SOL_UDP = 17
const UDP_NO_CHECK6_RX = 102
const UDP_GRO = 104
const SO_TIMESTAMPNS = 35

/** Room for what arrives while the receiving worker is busy: about 15 ms at 4 Gbit/s. */
const receiveBufferBytes = 8 * 1024 * 1024
const sendBufferBytes = 1024 * 1024
const sendTimeoutUs = 200_000n

/** Opens the data plane's socket: dual-stack, GRO and time stamps on, never fragmented. @throws X0tError UDP_UNAVAILABLE */
export function openUdpSocket(
  libc: Libc,
  arena: Arena,
  { host, port }: Endpoint,
): { readonly fd: number; readonly port: number } {
  const scratch = arena.allocate(64)
  const failed = (what: string, result: number): X0tError =>
    new X0tError('UDP_UNAVAILABLE', `${what} ${host} port ${port}: ${errnoName(-result)}`, {
      hint: 'choose another UDP port, or end the process that has it (ss -ulpn)',
    })
  const fd = libc.socket(AF_INET6, SOCK_DGRAM_CLOEXEC, 0)
  if (fd < 0) throw failed('socket', fd)
  const option = (level: number, name: number, value: number): number => {
    arena.view.setInt32(scratch, value, true)
    return libc.setsockopt(fd, level, name, arena.pointer(scratch), 4)
  }
  const required = [
    option(IPPROTO_IPV6, IPV6_V6ONLY, 0),
    option(IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE),
    option(IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE),
    option(SOL_UDP, UDP_GRO, 1),
    option(SOL_SOCKET, SO_TIMESTAMPNS, 1),
    option(SOL_SOCKET, SO_SNDBUF, sendBufferBytes),
  ].find((result) => result < 0)
  // Relays that forward in the kernel leave the checksum out: the tag covers what it would.
  option(SOL_UDP, UDP_NO_CHECK6_RX, 1)
  // Beyond the system's limit only with CAP_NET_ADMIN; without it, as much as it gives.
  if (option(SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes) < 0)
    option(SOL_SOCKET, SO_RCVBUF, receiveBufferBytes)
  // struct timeval: a device that takes nothing must not keep the sending worker from stopping.
  arena.view.setBigInt64(scratch, 0n, true)
  arena.view.setBigInt64(scratch + 8, sendTimeoutUs, true)
  libc.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, arena.pointer(scratch), 16)
  arena.bytes.set(encodeSocketAddress({ host, port }), scratch)
  const bound = required ?? libc.bind(fd, arena.pointer(scratch), socketAddressBytes)
  if (bound < 0) {
    libc.close(fd)
    throw failed('bind', bound)
  }
  arena.view.setUint32(scratch + 32, socketAddressBytes, true)
  libc.getsockname(fd, arena.pointer(scratch), arena.pointer(scratch + 32))
  return { fd, port: decodeSocketAddress(arena.bytes.subarray(scratch, scratch + socketAddressBytes)).port }
}
