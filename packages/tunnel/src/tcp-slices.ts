import type { Arena } from './arena.ts'
import { ipv6Bytes, virtio, virtioBytes } from './inner-packet.ts'

const FIN_PSH = 0x09
const CWR = 0x80

/**
 * Cuts a TCP super-packet (virtio header and IPv6 packet, GSO type TCPv6, valid by `isPacketValid`) into
 * smaller ones of whole segments, as a device without TSO would (RFC 9293; checksum stays partial).
 * @param sliceBytes most bytes of a slice, virtio header included; a slice has at least one segment
 * @param to where each slice is written before `emit` is called with its length
 */
export function sliceTcp(
  { bytes, view }: Arena,
  at: number,
  length: number,
  sliceBytes: number,
  to: number,
  emit: (length: number) => void,
): void {
  const tcp = virtioBytes + ipv6Bytes
  const headers = tcp + (bytes[at + tcp + 12]! >>> 4) * 4
  const segmentBytes = view.getUint16(at + 4, true)
  const perSlice = Math.max(1, Math.floor((sliceBytes - headers) / segmentBytes)) * segmentBytes
  const sequence = view.getUint32(at + tcp + 4)
  const flags = bytes[at + tcp + 13]!
  const partial = view.getUint16(at + tcp + 16)
  const fullTcpBytes = length - tcp
  for (let from = 0; from < length - headers; from += perSlice) {
    const payload = Math.min(perSlice, length - headers - from)
    const last = from + payload === length - headers
    bytes.copyWithin(to, at, at + headers)
    bytes.copyWithin(to + headers, at + headers + from, at + headers + from + payload)
    if (payload <= segmentBytes) {
      bytes[to + 1] = virtio.gsoNone
      view.setUint16(to + 4, 0, true)
    }
    const tcpBytes = headers - tcp + payload
    view.setUint16(to + virtioBytes + 4, tcpBytes)
    view.setUint32(to + tcp + 4, (sequence + from) >>> 0)
    bytes[to + tcp + 13] = flags & (last ? 0xff : ~FIN_PSH) & (from === 0 ? 0xff : ~CWR)
    // The pseudo header's sum, of which only the length changes (RFC 1624).
    view.setUint16(to + tcp + 16, onesComplement(partial + tcpBytes + (~fullTcpBytes & 0xffff)))
    emit(headers + payload)
  }
}

function onesComplement(sum: number): number {
  const folded = (sum & 0xffff) + (sum >>> 16)
  return (folded & 0xffff) + (folded >>> 16)
}
