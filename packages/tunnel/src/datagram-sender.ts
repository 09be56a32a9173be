import type { Arena } from './arena.ts'
import { errno, type Kernel } from './kernel.ts'
import { maxFragments } from './limits.ts'
import type { Link } from './links.ts'
import { socketAddressBytes } from './socket-address.ts'
import { stat, trafficCells } from './shared-state.ts'

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
  /** Sends one datagram; false if there was no room for it here. One that was refused otherwise counts as sent. */
  single(link: Link, at: number, length: number): boolean
  /** Sends one datagram over UDP, whatever the carrier. One that is longer than the path is no fault: it measures. */
  measure(link: Link, at: number, length: number): void
}

// struct msghdr and struct cmsghdr of 64-bit Linux; <linux/udp.h>
const messageBytes = 56
const iovecBytes = 16
const SOL_UDP = 17
const UDP_SEGMENT = 103
const MSG_DONTWAIT = 0x40
/** Segments and bytes that every kernel with UDP_SEGMENT takes in one call. */
const maxBurstSegments = 64
const maxBurstBytes = 65_400

export function createDatagramSender({
  arena,
  kernel,
  udpFd,
  mayWait,
  stats,
  traffic,
  frames,
}: {
  readonly arena: Arena
  readonly kernel: Kernel
  readonly udpFd: number
  /** False for the thread that also receives and probes: where the socket is full it drops rather than waits. */
  readonly mayWait: boolean
  readonly stats: Float64Array
  /** Bytes and datagrams of each link, from `cell` on (see shared-state.ts). */
  readonly traffic: { readonly cells: Float64Array; readonly cell: number }
  /** Takes length-prefixed datagrams for a neighbour whose carrier is `tls`. */
  readonly frames: (neighbour: string, bytes: Uint8Array) => void
}): DatagramSender {
  const { view, bytes } = arena
  const headersAt = arena.allocate(headerStride * maxFragments)
  const iovecsAt = arena.allocate(2 * iovecBytes * maxFragments)
  const messageAt = arena.allocate(messageBytes)
  const controlAt = arena.allocate(24)
  const singleIovecAt = arena.allocate(iovecBytes)
  let lastNameAt = 0
  const messageAddress = arena.pointer(messageAt)
  for (let i = 0; i < maxFragments; i++) {
    arena.setPointer(iovecsAt + 2 * iovecBytes * i, headersAt + headerStride * i)
    view.setUint32(iovecsAt + 2 * iovecBytes * i + 8, headerStride, true)
  }
  view.setUint32(messageAt + 8, socketAddressBytes, true)
  view.setUint32(controlAt, 18, true)
  view.setInt32(controlAt + 8, SOL_UDP, true)
  view.setInt32(controlAt + 12, UDP_SEGMENT, true)
  const flags = mayWait ? 0 : MSG_DONTWAIT
  let segmentation = true

  const send = (
    link: Link,
    iovecAt: number,
    iovecCount: number,
    segments: number,
    datagramBytes: number,
  ): number => {
    if (lastNameAt !== link.socketAddressAt) {
      arena.setPointer(messageAt, link.socketAddressAt)
      lastNameAt = link.socketAddressAt
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
      const result = kernel.sendmsg(udpFd, messageAddress, flags)
      if (result !== -errno.EINTR) return result
    }
  }
  const count = (result: number, datagrams: number): void => {
    if (result >= 0) stats[stat.datagramsSent]! += datagrams
    else stats[result === -errno.EMSGSIZE ? stat.droppedTooLong : stat.droppedSendError]! += datagrams
  }
  const account = (link: Link, datagrams: number, length: number): void => {
    const at = link.slot * trafficCells + traffic.cell
    traffic.cells[at]! += length
    traffic.cells[at + 1]! += datagrams
  }
  /** Sends `total` datagrams in bursts; `prepare` makes the I/O vector of one and returns its address and length. */
  const sendAll = (
    link: Link,
    total: number,
    datagramBytes: number,
    prepare: Prepare,
    from: number,
    end: number,
  ): void => {
    if (!link.hasEndpoint) {
      stats[stat.droppedSendError]! += total
      return
    }
    const perBurst = Math.max(1, Math.min(maxBurstSegments, Math.floor(maxBurstBytes / datagramBytes)))
    let segmentNow = segmentation
    let done = 0
    while (done < total) {
      const segments = segmentNow ? Math.min(perBurst, total - done) : 1
      const iovecs = prepare(done, segments, from, end, datagramBytes)
      const result = send(link, lastIovecAt, iovecs, segments, datagramBytes)
      // A device without checksum offload cannot segment at all (EIO); a burst may also be refused for itself.
      if (
        segments > 1 &&
        (result === -errno.EIO || result === -errno.EINVAL || result === -errno.EOPNOTSUPP)
      ) {
        segmentation = result === -errno.EINVAL
        segmentNow = false
        continue
      }
      count(result, segments)
      lastResult = result
      done += segments
    }
  }
  let lastIovecAt = 0
  let lastResult = 0
  const prepareGather: Prepare = (first, segments) => {
    lastIovecAt = iovecsAt + 2 * iovecBytes * first
    return 2 * segments
  }
  const prepareContiguous: Prepare = (first, segments, from, end, datagramBytes) => {
    const start = from + first * datagramBytes
    lastIovecAt = singleIovecAt
    arena.setPointer(singleIovecAt, start)
    view.setUint32(singleIovecAt + 8, Math.min(segments * datagramBytes, end - start), true)
    return 1
  }

  return {
    headerAt: (index) => headersAt + headerStride * index,
    setPiece(index, pieceAt, pieceBytes) {
      const at = iovecsAt + 2 * iovecBytes * index + iovecBytes
      arena.setPointer(at, pieceAt)
      view.setUint32(at + 8, pieceBytes, true)
    },
    gather(link, total, datagramBytes) {
      account(link, total, total * datagramBytes)
      if (link.carrier === 'tls') {
        frames(link.neighbour, gatherFrames(arena, iovecsAt, total))
        stats[stat.datagramsSent]! += total
        return
      }
      sendAll(link, total, datagramBytes, prepareGather, 0, 0)
    },
    contiguous(link, at, length, datagramBytes) {
      const total = Math.ceil(length / datagramBytes)
      account(link, total, length)
      if (link.carrier === 'tls') {
        frames(link.neighbour, contiguousFrames(bytes, at, length, datagramBytes))
        stats[stat.datagramsSent]! += total
        return
      }
      sendAll(link, total, datagramBytes, prepareContiguous, at, at + length)
    },
    single(link, at, length) {
      lastResult = 0
      this.contiguous(link, at, length, length)
      return lastResult !== -errno.EAGAIN && lastResult !== -errno.ENOBUFS
    },
    measure(link, at, length) {
      if (!link.hasEndpoint) return
      const iovecs = prepareContiguous(0, 1, at, at + length, length)
      const result = send(link, lastIovecAt, iovecs, 1, length)
      if (result === -errno.EMSGSIZE) return
      count(result, 1)
      account(link, 1, length)
    },
  }
}

const headerStride = 48

type Prepare = (first: number, segments: number, from: number, end: number, datagramBytes: number) => number

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
