import { X0tError } from '@x0t/core'

const maxPacketBytes = 64 * 1024

/**
 * Bytes of a packet from hexadecimal text: white space, `0x`, `:` and offsets of a hex dump (`0010:`) are allowed.
 * @throws X0tError BPF_PACKET_INVALID
 */
export function packetOfHex(text: string): Uint8Array {
  const digits = text
    .replaceAll(/^\s*(?:0x)?[0-9a-fA-F]{4,8}:\s+/gm, '')
    .replaceAll(/0x/gi, '')
    .replaceAll(/[\s:,]/g, '')
  if (digits === '' || digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits))
    throw new X0tError('BPF_PACKET_INVALID', 'the packet is not an even number of hexadecimal digits', {
      hint: 'x0t bpf test flow/flow_ingress --hex "ffffffffffff 020000000001 0800 …"',
      exitCode: 2,
    })
  if (digits.length / 2 > maxPacketBytes) throw invalid(`a packet has at most ${maxPacketBytes} bytes`)
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

const magics: Readonly<Record<number, { readonly littleEndian: boolean }>> = {
  0xa1b2c3d4: { littleEndian: false },
  0xa1b23c4d: { littleEndian: false },
  0xd4c3b2a1: { littleEndian: true },
  0x4d3cb2a1: { littleEndian: true },
}
const ethernet = 1
const fileHeaderBytes = 24
const recordHeaderBytes = 16

/**
 * Packets of a capture file (the classic pcap format, draft-ietf-opsawg-pcap; Ethernet). A record that the capture cut
 * short is given as far as it goes.
 * @throws X0tError BPF_PACKET_INVALID
 */
export function packetsOfPcap(file: Uint8Array): readonly Uint8Array[] {
  if (file.byteLength < fileHeaderBytes) throw invalid('the capture file ends within its header')
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const magic = magics[view.getUint32(0)]
  if (magic === undefined)
    throw invalid(
      view.getUint32(0) === 0x0a0d0d0a
        ? 'the capture file is pcapng, expected pcap'
        : 'the file is no capture (pcap): wrong magic number',
      'tcpdump -r FILE -w FILE.pcap rewrites it',
    )
  const { littleEndian } = magic
  const linkType = view.getUint32(20, littleEndian) & 0xffff
  if (linkType !== ethernet) throw invalid(`the capture has link type ${linkType}, expected 1 (Ethernet)`)
  const packets: Uint8Array[] = []
  let offset = fileHeaderBytes
  while (offset < file.byteLength) {
    if (offset + recordHeaderBytes > file.byteLength)
      throw invalid(`record ${packets.length + 1} of the capture ends within its header`)
    const capturedBytes = view.getUint32(offset + 8, littleEndian)
    const start = offset + recordHeaderBytes
    if (capturedBytes > maxPacketBytes || start + capturedBytes > file.byteLength)
      throw invalid(`record ${packets.length + 1} of the capture is longer than the file`)
    packets.push(file.slice(start, start + capturedBytes))
    offset = start + capturedBytes
  }
  if (packets.length === 0) throw invalid('the capture holds no packet')
  return packets
}

function invalid(message: string, hint?: string): X0tError {
  return new X0tError(
    'BPF_PACKET_INVALID',
    message,
    hint === undefined ? { exitCode: 2 } : { hint, exitCode: 2 },
  )
}
