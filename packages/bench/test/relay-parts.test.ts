import t from 'tap'
import { dataFrame, internetChecksum } from '../src/relay/data-frame.ts'
import { generatorState, runsFor } from '../src/relay/generator-state.ts'
import { isThreadOf } from '../src/relay/receive-threads.ts'
import { parseMac } from '../src/relay/relay-hosts.ts'
import { addressOf, hopKey, labelOf, linkId, neighbourOf, routeOf } from '../src/relay/static-mesh.ts'

t.test('both ends of a link agree on keys and link ids', async (t) => {
  const [s, a] = [neighbourOf('s', 'a', '10.0.0.2'), neighbourOf('a', 's', '10.0.0.1')]
  t.strictSame(s.sendKey, a.receiveKey)
  t.strictSame(s.receiveKey, a.sendKey)
  t.notSame(s.sendKey, s.receiveKey)
  t.equal(s.localLinkId, a.remoteLinkId)
  t.equal(s.remoteLinkId, a.localLinkId)
  t.equal(hopKey('s', 'a').length, 16)
  t.equal(labelOf('d').length, 8)
  t.equal(addressOf('d').length, 16)
  t.match(routeOf('d', 'a'), { nextHop: 'a', label: labelOf('d') })
})

t.test('the checksum of the header of IPv4', async (t) => {
  // RFC 1071, section 3: the sum of 0001 f203 f4f5 f6f7 is ddf2.
  t.equal(internetChecksum(Uint8Array.of(0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7)), ~0xddf2 & 0xffff)
})

t.test('a frame holds a data datagram as ARCHITECTURE.md has it', async (t) => {
  const frame = dataFrame({
    from: { host: 's', mac: '02:00:00:00:00:01', ipv4: '10.0.0.1' },
    to: { host: 'a', mac: '02:00:00:00:00:02', ipv4: '10.0.0.2' },
    targetIpv4: '10.0.0.6',
    destination: 'd',
    datagramBytes: 200,
  })
  const view = new DataView(frame.buffer)
  t.equal(frame.length, 14 + 20 + 8 + 200)
  t.equal(Buffer.from(frame.subarray(0, 14)).toString('hex'), '0200000000020200000000010800')
  t.equal(internetChecksum(frame.subarray(14, 34)), 0, 'the header of IPv4 sums up')
  t.strictSame([...frame.subarray(26, 34)], [10, 0, 0, 1, 10, 0, 0, 6])
  t.equal(view.getUint16(14 + 2), 228)
  t.equal(view.getUint16(34 + 4), 208)
  t.equal(view.getUint16(34 + 6), 0, 'no checksum of UDP')
  t.strictSame([view.getUint8(42), view.getUint8(43), view.getUint16(44)], [0x10, 255, linkId('a', 's')])
  t.equal(view.getUint32(46) >>> 30, 0, 'on the shortest way')
  t.strictSame(frame.subarray(58, 66), labelOf('d'))
  t.strictSame([view.getUint16(42 + 42), view.getUint16(42 + 44)], [152, 152], 'one fragment')
  for (const datagramBytes of [47, 1401])
    t.throws(
      () =>
        dataFrame({
          from: { host: 's', mac: '', ipv4: '' },
          to: { host: 'a', mac: '', ipv4: '' },
          destination: 'd',
          datagramBytes,
        }),
      RangeError,
    )
})

t.test('the generator is told an interval in picoseconds', async (t) => {
  const memory = new ArrayBuffer(176)
  const state = generatorState(memory)
  state.setKey(Uint8Array.from({ length: 16 }, (_, at) => at))
  state.setRate(3_000_000)
  const view = new DataView(memory)
  t.equal(view.getBigUint64(16, true), 333_333n)
  state.setRate(0)
  t.equal(view.getBigUint64(16, true), 0n)
  t.equal(view.getUint8(15), 15)
  state.setFrame(Uint8Array.from({ length: 200 }, (_, at) => at))
  t.strictSame([view.getUint8(64), view.getUint8(159)], [0, 95], 'how frames begin')
  view.setBigUint64(40, 7n, true)
  t.equal(state.packets(), 7)
  state.start()
  view.setBigUint64(160, 5_000_000n, true)
  view.setBigUint64(168, 7_500_000n, true)
  t.equal(state.spanMs(), 2.5)
  state.start()
  t.equal(view.getBigUint64(160, true), 0n)
})

t.test('a stretch of the generator is one call, of as many runs as fit in', async (t) => {
  const first = { runs: 20_000, costMs: 18, wantedMs: 250 }
  t.equal(runsFor({ ...first, tookMs: 28 }), 500_000, '0.5 µs a run')
  t.equal(runsFor({ ...first, tookMs: 17 }), 5_000_000, 'a run takes some time')
  t.equal(runsFor({ runs: 1, costMs: 0, tookMs: 1000, wantedMs: 250 }), 2)
})

t.test('threads that receive are told by their names, cut off as they are', async (t) => {
  t.ok(isThreadOf('napi/to-s-8193', 'to-s'))
  t.notOk(isThreadOf('napi/to-sa-8193', 'to-s'))
  t.notOk(isThreadOf('napi/to-d-8193', 'to-s'))
  // TASK_COMM_LEN is 16 with the zero at its end.
  t.ok(isThreadOf('napi/to-longnam', 'to-longname'))
  t.equal(
    parseMac('2: to-a@if3: <UP> mtu 1500 \\    link/ether 02:00:00:00:00:0a brd ff:ff'),
    '02:00:00:00:00:0a',
  )
  t.throws(() => parseMac('1: lo: <UP> link/loopback 00:00:00:00:00:00'), TypeError)
})
