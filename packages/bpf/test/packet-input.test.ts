import fc from 'fast-check'
import { hasCode } from '@x0t/core'
import t from 'tap'
import { nameOfVerdict, packetOfHex, packetsOfPcap, verdictNames, verdictOfName } from '../src/index.ts'

/** A capture in the format of draft-ietf-opsawg-pcap: file header of 24 bytes, record headers of 16. */
function pcap(
  packets: readonly Uint8Array[],
  { littleEndian = true, linkType = 1, magic = 0xa1b2c3d4 } = {},
): Buffer {
  const u32 = (...values: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 4)
    for (const [index, value] of values.entries())
      if (littleEndian) bytes.writeUInt32LE(value, index * 4)
      else bytes.writeUInt32BE(value, index * 4)
    return bytes
  }
  return Buffer.concat([
    // Version 2.4 in two halves of 16 bits.
    u32(magic),
    littleEndian ? Buffer.from([2, 0, 4, 0]) : Buffer.from([0, 2, 0, 4]),
    u32(0, 0, 65535, linkType),
    ...packets.map((packet) => Buffer.concat([u32(0, 0, packet.length, packet.length), packet])),
  ])
}

const invalid = { code: 'BPF_PACKET_INVALID' }

t.test('hexadecimal text may be plain, spaced, with colons, 0x or the offsets of a hex dump', async (t) => {
  for (const text of [
    '0a0Bff',
    ' 0a 0b\nff ',
    '0a:0b:ff',
    '0x0a, 0x0b, 0xff',
    '0000:  0a0b ff',
    '0x0000:  0a0b\n0x0002:  ff',
  ])
    t.strictSame([...packetOfHex(text)], [10, 11, 255], text)
  for (const text of ['', 'abc', 'zz', '0a0g', '00'.repeat(65537)])
    t.throws(() => packetOfHex(text), invalid, text.slice(0, 9))
})

t.test('packets of a capture come out as they were, in either byte order', async (t) => {
  const packets = [Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(255)]
  for (const littleEndian of [true, false])
    for (const magic of [0xa1b2c3d4, 0xa1b23c4d])
      t.strictSame(
        packetsOfPcap(pcap(packets, { littleEndian, magic })).map((packet) => [...packet]),
        [[1, 2, 3], [], [255]],
      )
})

t.test('what is no whole capture of Ethernet packets is refused', async (t) => {
  const whole = pcap([Uint8Array.of(1, 2, 3, 4)])
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['short', whole.subarray(0, 23), /ends within its header/],
    ['cut in a record header', whole.subarray(0, 30), /record 1 .* within its header/],
    ['cut in a packet', whole.subarray(0, whole.length - 1), /longer than the file/],
    ['other magic', Buffer.alloc(64), /no capture/],
    ['pcapng', Buffer.concat([Buffer.from('0a0d0d0a', 'hex'), Buffer.alloc(60)]), /pcapng/],
    ['raw IP', pcap([], { linkType: 101 }), /link type 101/],
    ['empty', pcap([]), /no packet/],
  ]
  for (const [name, file, message] of cases)
    t.throws(() => packetsOfPcap(file), { ...invalid, message }, name)
})

t.test('any bytes and any text give packets or BPF_PACKET_INVALID, never another error', async () => {
  const tries = (run: () => unknown): void => {
    try {
      run()
    } catch (error) {
      if (!hasCode(error, 'BPF_PACKET_INVALID')) throw error
    }
  }
  const header = pcap([])
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (bytes, text) => {
      tries(() => packetsOfPcap(bytes))
      tries(() => packetsOfPcap(Buffer.concat([header, bytes])))
      tries(() => packetOfHex(text))
    }),
    { seed: 7, numRuns: 300 },
  )
})

t.test('verdicts have the names of the kernel headers', async (t) => {
  t.equal(nameOfVerdict('xdp', 1), 'drop')
  t.equal(nameOfVerdict('sched_cls', 0xffffffff), 'next', 'a test run gives -1 as 32 bits without sign')
  t.equal(nameOfVerdict('xdp', 77), '77')
  t.equal(nameOfVerdict('sock_ops', 1), '1')
  t.equal(verdictOfName('xdp', 'redirect'), 4)
  t.equal(verdictOfName('sock_ops', '3'), 3)
  t.throws(() => verdictOfName('xdp', 'maybe'), { code: 'BPF_VERDICT_UNKNOWN', hint: /aborted, drop, pass/ })
  t.throws(() => verdictOfName('sock_ops', 'maybe'), { code: 'BPF_VERDICT_UNKNOWN', hint: /the numbers/ })
  t.strictSame(verdictNames('cgroup_skb'), ['drop', 'pass'])
})
