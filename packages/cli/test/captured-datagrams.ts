/** One datagram of the data plane as it was seen on a wire (ARCHITECTURE.md, "Datagram"). */
export interface CapturedDatagram {
  readonly sourceIp: string
  readonly bytes: Buffer
}

const unitHeaderAt = 32
const ciphertextAt = 48
const dataType = 0x10

/**
 * The data datagrams in a capture file of an Ethernet link (classic pcap, little endian), IPv4. A burst that left as
 * one UDP_SEGMENT message is cut into its datagrams.
 */
export function dataDatagramsIn(capture: Buffer): readonly CapturedDatagram[] {
  if (capture.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error('not a pcap file of this byte order')
  const found: CapturedDatagram[] = []
  let at = 24
  while (at + 16 <= capture.length) {
    const bytes = capture.readUInt32LE(at + 8)
    const frame = capture.subarray(at + 16, at + 16 + bytes)
    at += 16 + bytes
    const isIpv4Udp = frame.length > 42 && frame.readUInt16BE(12) === 0x0800 && frame[23] === 17
    if (!isIpv4Udp) continue
    const udpAt = 14 + (frame[14]! & 0x0f) * 4
    const sourceIp = [...frame.subarray(26, 30)].join('.')
    let rest = frame.subarray(udpAt + 8)
    while (rest.length >= ciphertextAt && rest[0] === dataType) {
      const length = Math.min(rest.length, ciphertextAt + fragmentBytes(rest))
      found.push({ sourceIp, bytes: rest.subarray(0, length) })
      rest = rest.subarray(length)
    }
  }
  return found
}

/** Names the fragment, the same on every link of its way: SPI, sequence number, index. */
export function fragmentName({ bytes }: CapturedDatagram): string {
  return bytes.toString('hex', unitHeaderAt, unitHeaderAt + 10) + bytes.toString('hex', 46, 47)
}

/** Windows of 16 bytes of ciphertext that occur in more than one data fragment. */
export function repeatedCiphertext(datagrams: readonly CapturedDatagram[]): readonly string[] {
  const owners = new Map<string, string>()
  const repeated: string[] = []
  for (const datagram of datagrams) {
    if (isParity(datagram)) continue
    const name = fragmentName(datagram)
    const { bytes } = datagram
    for (let at = ciphertextAt; at + 16 <= bytes.length; at += 16) {
      const window = bytes.toString('latin1', at, at + 16)
      const owner = owners.get(window)
      if (owner === undefined) owners.set(window, name)
      else if (owner !== name) repeated.push(Buffer.from(window, 'latin1').toString('hex'))
    }
  }
  return repeated
}

/** True for the exclusive-or of data fragments: of a unit of one fragment that is the fragment again. */
function isParity({ bytes }: CapturedDatagram): boolean {
  return bytes[46]! >= dataCount(bytes)
}

function dataCount(datagram: Buffer): number {
  return Math.max(1, Math.ceil(datagram.readUInt16BE(42) / Math.max(1, datagram.readUInt16BE(44))))
}

function fragmentBytes(datagram: Buffer): number {
  const [unitBytes, perFragment] = [datagram.readUInt16BE(42), datagram.readUInt16BE(44)]
  const count = dataCount(datagram)
  return datagram[46] === count - 1 ? unitBytes - (count - 1) * perFragment : perFragment
}
