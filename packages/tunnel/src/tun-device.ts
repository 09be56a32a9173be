import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { formatIpv6, overlayPrefix, X0tError } from '@x0t/core'
import type { Arena } from './arena.ts'
import { errno, errnoName } from './kernel.ts'
import type { Libc } from './libc.ts'

// <linux/if_tun.h>
const TUNSETIFF = 0x400454ca
const TUNSETOFFLOAD = 0x400454d0
const IFF_TUN = 0x0001
const IFF_NO_PI = 0x1000
const IFF_VNET_HDR = 0x4000
const TUN_F_CSUM = 0x01
const TUN_F_TSO6 = 0x04
const TUN_F_TSO4 = 0x02
const TUN_F_TSO_ECN = 0x08
const TUN_F_USO = 0x20 | 0x40
const O_RDWR_NONBLOCK_CLOEXEC = 2 | 0x800 | 0x80000

/** Longest super-packet that the kernel may hand over: it and its headers fit one UDP burst. */
const gsoMaxBytes = 61_440

/** An open TUN device: gone when the descriptor is closed. */
export interface TunDevice {
  readonly fd: number
  readonly name: string
}

const run = promisify(execFile)

/**
 * Makes a TUN device with offload, sets MTU, address and the route to the overlay, and brings it up.
 * @throws X0tError TUN_FORBIDDEN, TUN_UNAVAILABLE, TUN_SETUP_FAILED
 */
export async function openTunDevice(
  libc: Libc,
  arena: Arena,
  options: { readonly name: string; readonly mtu: number; readonly address: Uint8Array },
): Promise<TunDevice> {
  const { name, mtu, address } = options
  const fd = libc.open('/dev/net/tun', O_RDWR_NONBLOCK_CLOEXEC)
  if (fd < 0) throw refused(name, fd)
  const request = arena.allocate(64)
  arena.bytes.fill(0, request, request + 40)
  arena.bytes.set(Buffer.from(name.slice(0, 15), 'latin1'), request)
  arena.view.setUint16(request + 16, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, true)
  const made = libc.ioctl(fd, TUNSETIFF, arena.pointer(request))
  if (made < 0) {
    libc.close(fd)
    throw refused(name, made)
  }
  const offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN
  // UDP segmentation offload came with Linux 6.2.
  if (libc.ioctl(fd, TUNSETOFFLOAD, BigInt(offload | TUN_F_USO)) < 0)
    libc.ioctl(fd, TUNSETOFFLOAD, BigInt(offload))
  try {
    const link = ['link', 'set', 'dev', name]
    await run('ip', [...link, 'mtu', String(mtu), 'txqueuelen', '2000', 'addrgenmode', 'none'])
    await run('ip', [...link, 'gso_max_size', String(gsoMaxBytes)])
    await run('ip', ['-6', 'address', 'replace', `${formatIpv6(address)}/128`, 'dev', name, 'nodad'])
    await run('ip', [...link, 'up'])
    await run('ip', ['-6', 'route', 'replace', overlayPrefix, 'dev', name, 'src', formatIpv6(address)])
  } catch (error) {
    libc.close(fd)
    throw new X0tError('TUN_SETUP_FAILED', `could not configure ${name}`, {
      cause: error,
      hint: 'is iproute2 installed?',
    })
  }
  return { fd, name }
}

function refused(name: string, result: number): X0tError {
  const number = -result
  if (number === errno.EPERM || number === errno.EACCES) {
    return new X0tError('TUN_FORBIDDEN', `the kernel did not let this process make the TUN device ${name}`, {
      hint: 'run as root, or AmbientCapabilities=CAP_NET_ADMIN in the systemd unit, or setcap cap_net_admin+ep on node',
    })
  }
  return new X0tError('TUN_UNAVAILABLE', `no TUN device ${name}: ${errnoName(number)}`, {
    hint:
      number === errno.EBUSY
        ? `another process has ${name}`
        : 'modprobe tun; in a container: --device /dev/net/tun',
  })
}
