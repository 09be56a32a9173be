import type { Arena } from './arena.ts'
import { errno, type Kernel } from './kernel.ts'
import { maxFragments } from './limits.ts'
import type { Link } from './links.ts'
import { socketAddressBytes } from './socket-address.ts'
import { stat } from './shared-state.ts'

/** Sends datagrams that lie in the arena, a burst per system call. One per thread. */
export interface DatagramSender {
  /** Where the caller writes header `index` of a burst, for {@link DatagramSender.gather}. */
  headerAt(index: number): number
  /** Datagram `index` consists of header `index` and `pieceBytes` at `pieceAt`. */
  setPiece(index: number, pieceAt: number, pieceBytes: number): void
  /** Sends datagrams 0 to `count` - 1, all of `datagramBytes` but the last, which may be shorter. */
  gather(link: Link, count: number, datagramBytes: number): void
  /** Sends datagrams of `datagramBytes` each (the last may be shorter) that lie one after the other. */
  contiguous(link: Link, at: number, length: number, datagramBytes: number): void
}

// struct msghdr and struct cmsghdr of 64-bit Linux; <linux/udp.h>
const messageBytes = 56
const iovecBytes = 16
const SOL_UDP = 17
const UDP_SEGMENT = 103
/** Segments and bytes that every kernel with UDP_SEGMENT takes in one call. */
const maxBurstSegments = 64
const maxBurstBytes = 65_400

export function createDatagramSender({
  arena,
  kernel,
  udpFd,
  stats,
  frames,
}: {
  readonly arena: Arena
  readonly kernel: Kernel
  readonly udpFd: number
  readonly stats: Float64Array
  /** Takes length-prefixed datagrams for a neighbour whose carrier is `tls`. */
  readonly frames: (neighbour: string, bytes: Uint8Array) => void
}): DatagramSender {
  const { view, bytes } = arena
  const headersAt = arena.allocate(headerStride * maxFragments)
  const iovecsAt = arena.allocate(2 * iovecBytes * maxFragments)
  const messageAt = arena.allocate(messageBytes)
  const controlAt = arena.allocate(24)
  const lastNameAt = { value: 0 }
  const messageAddress = arena.pointer(messageAt)
  for (let i = 0; i < maxFragments; i++) {
    arena.setPointer(iovecsAt + 2 * iovecBytes * i, headersAt + headerStride * i)
    view.setUint32(iovecsAt + 2 * iovecBytes * i + 8, headerStride, true)
  }
  view.setUint32(messageAt + 8, socketAddressBytes, true)
  view.setUint32(controlAt, 18, true)
  view.setInt32(controlAt + 8, SOL_UDP, true)
  view.setInt32(controlAt + 12, UDP_SEGMENT, true)
  let segmentation = true

  const send = (link: Link, iovecAt: number, iovecCount: number, segments: number, datagramBytes: number): number => {
    if (lastNameAt.value !== link.socketAddressAt) {
      arena.setPointer(messageAt, link.socketAddressAt)
      lastNameAt.value = link.socketAddressAt
    }
    arena.setPointer(messageAt + 16, iovecAt)
    view.setUint32(messageAt + 24, iovecCount, true)
    if (segments > 1) {
      arena.setPointer(messageAt + 32, controlAt)
      view.setUint32(messageAt + 40, 24, true)
      view.setUint16(controlAt + 16, datagramBytes, true)
    } else {
      view.setUint32(messageAt + 40, 0, true)
    }
    for (;;) {
      const result = kernel.sendmsg(udpFd, messageAddress, 0)
      if (result !== -errno.EINTR) return result
    }
  }
  const count = (result: number, datagrams: number): void => {
    if (result >= 0) stats[stat.datagramsSent]! += datagrams
    else stats[result === -errno.EMSGSIZE ? stat.droppedTooLong : stat.droppedSendError]! += datagrams
  }
  /** True if the kernel or the device cannot segment: from then on datagrams go singly. */
  const refused = (result: number, segments: number): boolean => {
    if (segments === 1 || (result !== -errno.EIO && result !== -errno.EINVAL && result !== -errno.EOPNOTSUPP)) return false
    segmentation = false
    return true
  }

  return {
    headerAt: (index) => headersAt + headerStride * index,
    setPiece(index, pieceAt, pieceBytes) {
      const at = iovecsAt + 2 * iovecBytes * index + iovecBytes
      arena.setPointer(at, pieceAt)
      view.setUint32(at + 8, pieceBytes, true)
    },
    gather(link, total, datagramBytes) {
      if (link.carrier === 'tls') {
        frames(link.neighbour, gatherFrames(arena, iovecsAt, total))
        stats[stat.datagramsSent]! += total
        return
      }
      if (!link.hasEndpoint) {
        stats[stat.droppedSendError]! += total
        return
      }
      const perBurst = Math.max(1, Math.min(maxBurstSegments, Math.floor(maxBurstBytes / datagramBytes)))
      let done = 0
      while (done < total) {
        const segments = segmentation ? Math.min(perBurst, total - done) : 1
        const result = send(link, iovecsAt + 2 * iovecBytes * done, 2 * segments, segments, datagramBytes)
        if (refused(result, segments)) continue
        count(result, segments)
        done += segments
      }
    },
    contiguous(link, at, length, datagramBytes) {
      const total = Math.ceil(length / datagramBytes)
      if (link.carrier === 'tls') {
        frames(link.neighbour, contiguousFrames(bytes, at, length, datagramBytes))
        stats[stat.datagramsSent]! += total
        return
      }
      if (!link.hasEndpoint) {
        stats[stat.droppedSendError]! += total
        return
      }
      const perBurst = Math.max(1, Math.min(maxBurstSegments, Math.floor(maxBurstBytes / datagramBytes)))
      let done = 0
      while (done < total) {
        const segments = segmentation ? Math.min(perBurst, total - done) : 1
        const from = done * datagramBytes
        arena.setPointer(iovecsAt + iovecBytes, at + from)
        view.setUint32(iovecsAt + iovecBytes + 8, Math.min(segments * datagramBytes, length - from), true)
        const result = send(link, iovecsAt + iovecBytes, 1, segments, datagramBytes)
        if (refused(result, segments)) continue
        count(result, segments)
        done += segments
      }
    },
  }
}

const headerStride = 48

/** Datagrams as `[u16 length][bytes]`, from header and piece of each. */
function gatherFrames({ bytes, view, base }: Arena, iovecsAt: number, total: number): Uint8Array {
  const frames: Uint8Array[] = []
  for (let i = 0; i < total; i++) {
    const at = iovecsAt + 2 * iovecBytes * i
    const offset = (pointerAt: number): number =>
      view.getUint32(pointerAt, true) + view.getUint32(pointerAt + 4, true) * 0x1_0000_0000 - base
    const header = offset(at)
    const piece = offset(at + iovecBytes)
    const pieceBytes = view.getUint32(at + iovecBytes + 8, true)
    const length = headerStride + pieceBytes
    frames.push(
      Uint8Array.of(length >>> 8, length & 0xff),
      bytes.slice(header, header + headerStride),
      bytes.slice(piece, piece + pieceBytes),
    )
  }
  return Buffer.concat(frames)
}

function contiguousFrames(bytes: Uint8Array, at: number, length: number, datagramBytes: number): Uint8Array {
  const frames: Uint8Array[] = []
  for (let from = 0; from < length; from += datagramBytes) {
    const size = Math.min(datagramBytes, length - from)
    frames.push(Uint8Array.of(size >>> 8, size & 0xff), bytes.slice(at + from, at + from + size))
  }
  return Buffer.concat(frames)
}
