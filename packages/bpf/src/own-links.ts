import { Attributes } from './attributes.ts'
import { Descriptor } from './descriptor.ts'
import { decodeXdpPrograms, encodeInterfaceDump } from './rtnetlink.ts'
import { openSyscalls } from './syscalls.ts'

/**
 * Tells links on interfaces of this network namespace from those of others: the kernel gives the index of an interface
 * with a link, but not whose, and every namespace has an interface 2.
 */
export class OwnLinks {
  #xdpPrograms: ReadonlyMap<number, ReadonlySet<number>> | undefined

  /** True if XDP of the interface of this index is that program. */
  hasXdp(index: number, programId: number): boolean {
    this.#xdpPrograms ??= readXdpPrograms()
    return this.#xdpPrograms.get(index)?.has(programId) === true
  }

  /** True if the link is on the interface of this index. @param attachType BPF_TCX_INGRESS or BPF_TCX_EGRESS */
  hasTcx(index: number, attachType: number, linkId: number): boolean {
    const links = new Uint32Array(maxPrograms)
    const programs = new Uint32Array(maxPrograms)
    const result = new Attributes(64)
      .u32(0, index)
      .u32(4, attachType)
      .pointer(16, programs)
      .u32(24, maxPrograms)
      .pointer(40, links)
      .call('PROG_QUERY')
    return result >= 0 && links.includes(linkId)
  }
}

/** The kernel lets 64 programs share a direction of an interface. */
const maxPrograms = 64

const AF_NETLINK = 16
const NETLINK_ROUTE = 0
const bufferBytes = 64 * 1024

/** Programs of XDP by index of the interface; empty where the kernel does not say. */
function readXdpPrograms(): ReadonlyMap<number, ReadonlySet<number>> {
  const found = new Map<number, ReadonlySet<number>>()
  const syscalls = openSyscalls()
  const fd = syscalls.socket(AF_NETLINK, NETLINK_ROUTE)
  if (fd < 0) return found
  using socket = new Descriptor(fd, 'rtnetlink')
  if (syscalls.write(socket.fd, encodeInterfaceDump()) < 0) return found
  const buffer = new Uint8Array(bufferBytes)
  for (;;) {
    const length = syscalls.read(socket.fd, buffer)
    if (length <= 0) return found
    const { programs, isLast } = decodeXdpPrograms(buffer.subarray(0, length))
    for (const [index, ids] of programs) found.set(index, ids)
    if (isLast) return found
  }
}
