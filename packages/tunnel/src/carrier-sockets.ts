import type { Arena } from './arena.ts'
import type { Libc } from './libc.ts'

const AF_NETLINK = 16
/** SOCK_RAW, SOCK_CLOEXEC, SOCK_NONBLOCK. */
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0x80000 | 0x800
const NETLINK_ROUTE = 0
/** RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE */
const groups = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
const SOL_SOCKET = 1
const SO_RCVBUF = 8
/** Some thousand messages, until the worker comes to read them. */
const receiveBufferBytes = 1024 * 1024

/** rtnetlink sockets of a carrier watch: one told of changes, one for questions; or the error number. */
export function openCarrierSockets(
  libc: Libc,
  arena: Arena,
): { readonly monitorFd: number; readonly queryFd: number } | { readonly error: number } {
  const scratch = arena.allocate(16)
  const opened: number[] = []
  for (const memberships of [groups, 0]) {
    const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, NETLINK_ROUTE)
    if (fd >= 0) opened.push(fd)
    // struct sockaddr_nl: family, pid chosen by the kernel, groups
    arena.bytes.fill(0, scratch, scratch + 16)
    arena.view.setUint16(scratch, AF_NETLINK, true)
    arena.view.setUint32(scratch + 8, memberships, true)
    const result = fd < 0 ? fd : libc.bind(fd, arena.pointer(scratch), 12)
    if (result < 0) {
      for (const one of opened) libc.close(one)
      return { error: -result }
    }
    arena.view.setInt32(scratch, receiveBufferBytes, true)
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, arena.pointer(scratch), 4)
  }
  const [monitorFd, queryFd] = opened as [number, number]
  return { monitorFd, queryFd }
}
