import { closeSync, openSync } from 'node:fs'
import type { Libc } from './libc.ts'

/** One direction of a link: frames that its sender's end gives away, and the way to put them on the link again. */
export interface Direction {
  /** TAP: what the kernel forwards to it is read here. */
  readonly tapFd: number
  /** Packet socket on the end of the link. What it sends carries the mark. */
  readonly socketFd: number
}

/** The end that sends in this direction. */
export interface DirectionPlace {
  /** File of the network namespace. */
  readonly namespace: string
  readonly tap: string
  /** Index of the end of the link. */
  readonly interfaceIndex: number
}

/** Bytes before each frame: struct virtio_net_hdr, so that a burst of segments passes as one frame. */
export const virtioHeaderBytes = 10

/** Enters the namespace of the sender and opens both sides there; the thread stays in it. */
export function openDirection(
  libc: Libc,
  { namespace, tap, interfaceIndex }: DirectionPlace,
  mark: number,
): Direction {
  const file = openSync(namespace, 'r')
  libc.enterNetwork(file)
  closeSync(file)
  const tapFd = libc.openDevice('/dev/net/tun')
  // struct ifreq: name, then flags: IFF_TAP | IFF_NO_PI | IFF_VNET_HDR.
  const request = new Uint8Array(40)
  request.set(new TextEncoder().encode(tap))
  new DataView(request.buffer).setUint16(16, 0x0002 | 0x1000 | 0x4000, true)
  libc.ioctl(tapFd, 0x400454ca /* TUNSETIFF */, libc.addressOf(request))
  // TUN_F_CSUM, TSO4, TSO6, TSO_ECN, USO4, USO6
  libc.ioctl(tapFd, 0x400454d0 /* TUNSETOFFLOAD */, BigInt(0x01 | 0x02 | 0x04 | 0x08 | 0x20 | 0x40))
  const socketFd = libc.socket(17 /* AF_PACKET */, 0x803 /* SOCK_RAW | SOCK_NONBLOCK */)
  libc.setOption(socketFd, 1 /* SOL_SOCKET */, 36 /* SO_MARK */, mark)
  libc.setOption(socketFd, 1, 32 /* SO_SNDBUFFORCE */, 2 ** 23)
  libc.setOption(socketFd, 263 /* SOL_PACKET */, 15 /* PACKET_VNET_HDR */, 1)
  // struct sockaddr_ll with protocol 0: it sends only.
  const address = new Uint8Array(20)
  const view = new DataView(address.buffer)
  view.setUint16(0, 17, true)
  view.setInt32(4, interfaceIndex, true)
  libc.bind(socketFd, address)
  return { tapFd, socketFd }
}
