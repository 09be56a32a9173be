import t from 'tap'
import { loadProgram, type LoadedProgram } from '../support/loaded-program.ts'
import {
  ethernet,
  etherTypes,
  ipv4,
  ipv6,
  ipv6Address,
  protocols,
  tcp,
  tcpFlags,
  udp,
} from '../support/packets.ts'

const XDP_DROP = 1
const XDP_PASS = 2
const port = 7777
const stranger = '198.51.100.7'

const udp4 = (source: string, target = port) =>
  ethernet(etherTypes.ipv4, ipv4({ source, protocol: protocols.udp }, udp({ target })))
const udp6 = (source: readonly number[], target = port) =>
  ethernet(etherTypes.ipv6, ipv6(source, protocols.udp, udp({ target })))
const tcp4 = (flags: number) =>
  ethernet(etherTypes.ipv4, ipv4({ source: stranger, protocol: protocols.tcp }, tcp(port, flags)))

/** One packet a second, five at once: within a test no token is given back. */
const slow = { guard_port: port, guard_source_rate: 1, guard_source_burst: 5, guard_total_rate: 0 }

const run = (guard: LoadedProgram, packet: Uint8Array, repeat = 1) =>
  guard.program('x0t_guard').testRun(packet, { repeat }).verdict
const verdicts = (guard: LoadedProgram) => guard.values('x0t_guard_packets_total', 'verdict')

t.test('a stranger is let in as often as its bucket holds', async (t) => {
  using guard = await loadProgram('guard', { globals: slow })
  t.equal(run(guard, udp4(stranger)), XDP_PASS)
  t.equal(run(guard, udp4(stranger), 10), XDP_DROP)
  t.same(await verdicts(guard), { pass: 5, limit_source: 6 })
  t.equal(run(guard, udp4('198.51.100.8')), XDP_PASS, 'another source has a bucket of its own')
})

t.test('without UDP what comes there passes uncounted, and TCP is limited as ever', async (t) => {
  using guard = await loadProgram('guard', { globals: { ...slow, guard_udp: false } })
  t.equal(run(guard, udp4(stranger), 10), XDP_PASS)
  t.equal(run(guard, tcp4(tcpFlags.syn), 10), XDP_DROP)
  t.same(await verdicts(guard), { unguarded: 10, pass: 5, limit_source: 5 })
})

t.test('tokens come back at the rate of the source', async (t) => {
  // 10,000 a second: one is back in 0.1 ms, which any two runs are apart after the wait.
  using guard = await loadProgram('guard', {
    globals: { ...slow, guard_source_rate: 10_000, guard_source_burst: 1 },
  })
  run(guard, udp4(stranger), 2)
  const from = process.hrtime.bigint()
  while (process.hrtime.bigint() - from < 200_000n);
  t.equal(run(guard, udp4(stranger)), XDP_PASS)
})

t.test('all strangers together are limited too, those that were refused already not counted', async (t) => {
  using guard = await loadProgram('guard', {
    globals: { ...slow, guard_source_burst: 2, guard_total_rate: 1, guard_total_burst: 3 },
  })
  run(guard, udp4('198.51.100.1'), 4)
  run(guard, udp4('198.51.100.2'), 4)
  // Two of the first, and one of the second, of whose two one was too many in all.
  t.same(await verdicts(guard), { pass: 3, limit_source: 4, limit_total: 1 })
})

t.test('the allow-list passes without limit, by prefix, for IPv4 and IPv6', async (t) => {
  using guard = await loadProgram('guard', { globals: { ...slow, guard_allowed_only: true } })
  guard.set('x0t_guard_allow4', { prefix_bits: 24, ip: 0xcb007100 }, 0) // 203.0.113.0/24
  guard.set('x0t_guard_allow6', { prefix_bits: 128, ip: [0x20010db8, 1, 0, 9] }, 0)
  t.equal(run(guard, udp4('203.0.113.77'), 50), XDP_PASS)
  t.equal(run(guard, udp6(ipv6Address(1, 9)), 50), XDP_PASS)
  t.equal(run(guard, udp4('203.0.114.1')), XDP_DROP)
  t.equal(run(guard, udp6(ipv6Address(1, 8))), XDP_DROP)
  t.same(await verdicts(guard), { allow: 100, deny: 2 })
})

t.test('addresses of one /64 share a bucket, those of another do not', async (t) => {
  using guard = await loadProgram('guard', { globals: { ...slow, guard_source_burst: 1 } })
  t.equal(run(guard, udp6(ipv6Address(1, 1))), XDP_PASS)
  t.equal(run(guard, udp6(ipv6Address(1, 2))), XDP_DROP)
  t.equal(run(guard, udp6(ipv6Address(2, 1))), XDP_PASS)
})

t.test('what is not for the port is passed unseen', async (t) => {
  using guard = await loadProgram('guard', { globals: { ...slow, guard_allowed_only: true } })
  const icmp = ethernet(etherTypes.ipv4, ipv4({ source: stranger, protocol: protocols.icmp }, [8, 0, 0, 0]))
  const arp = ethernet(etherTypes.arp, new Uint8Array(28))
  const threeTags = ethernet(
    etherTypes.ipv4,
    ipv4({ source: stranger, protocol: protocols.udp }, udp({ target: port })),
    [1, 2, 3],
  )
  for (const packet of [udp4(stranger, port + 1), icmp, arp, threeTags]) t.equal(run(guard, packet), XDP_PASS)
  t.same(await verdicts(guard), { unguarded: 4 })
})

t.test('of TCP only what opens a connection is guarded', async (t) => {
  using guard = await loadProgram('guard', { globals: { ...slow, guard_allowed_only: true } })
  t.equal(run(guard, tcp4(tcpFlags.syn)), XDP_DROP)
  t.equal(run(guard, tcp4(tcpFlags.synAck)), XDP_PASS)
  t.equal(run(guard, tcp4(tcpFlags.ack)), XDP_PASS)
})

t.test('the port is found behind tags, options and extension headers', async (t) => {
  using guard = await loadProgram('guard', { globals: { ...slow, guard_allowed_only: true } })
  const inner = ipv4({ source: stranger, protocol: protocols.udp, optionWords: 3 }, udp({ target: port }))
  const source = ipv6Address(1, 1)
  const options = (next: number, rest: readonly number[]) => [next, 0, 1, 4, 0, 0, 0, 0, ...rest]
  const extended = ipv6(
    source,
    protocols.hopByHop,
    options(protocols.options, options(17, udp({ target: port }))),
  )
  for (const packet of [
    ethernet(etherTypes.ipv4, inner),
    ethernet(etherTypes.ipv4, inner, [7]),
    ethernet(etherTypes.ipv4, inner, [7, 8]),
    ethernet(etherTypes.ipv6, extended),
    ethernet(etherTypes.ipv6, extended, [7, 8]),
  ])
    t.equal(run(guard, packet), XDP_DROP)
  const elsewhere = ipv6(source, protocols.hopByHop, options(17, udp({ target: port + 1 })))
  t.equal(run(guard, ethernet(etherTypes.ipv6, elsewhere)), XDP_PASS)
})

t.test('neither fragments nor many extension headers get past the guard', async (t) => {
  using guard = await loadProgram('guard', { globals: { ...slow, guard_allowed_only: true } })
  const later = ipv4({ source: stranger, protocol: protocols.udp, fragmentOffset: 185 }, new Uint8Array(16))
  const fragment = [protocols.udp, 0, 0x05, 0xc8, 0, 0, 0, 1, ...new Uint8Array(16)]
  const source = ipv6Address(1, 1)
  let long = udp({ target: port + 1 })
  for (let header = 0, next: number = protocols.udp; header < 5; header++, next = protocols.options)
    long = [next, 0, 1, 4, 0, 0, 0, 0, ...long]
  for (const packet of [
    ethernet(etherTypes.ipv4, later),
    ethernet(etherTypes.ipv6, ipv6(source, protocols.fragment, fragment)),
    ethernet(etherTypes.ipv6, ipv6(source, protocols.options, long)),
  ])
    t.equal(run(guard, packet), XDP_DROP)
  t.same(await verdicts(guard), { deny: 3 })
})

t.test('headers that are cut short are dropped, at whatever byte', async (t) => {
  using guard = await loadProgram('guard', { globals: { ...slow, guard_allowed_only: true } })
  const options = ipv4({ source: stranger, protocol: protocols.udp, optionWords: 2 }, udp({ target: port }))
  const whole = ethernet(etherTypes.ipv4, options, [7])
  const six = ethernet(
    etherTypes.ipv6,
    ipv6(ipv6Address(1, 1), protocols.options, [6, 0, 1, 4, 0, 0, 0, 0, ...tcp(port, tcpFlags.syn)]),
  )
  let cut = 0
  for (const packet of [whole, six]) {
    // The kernel refuses runs of less than an Ethernet header; the last bytes that are read are the port, the flags.
    const needed = packet === whole ? packet.length - 4 : packet.length - 6
    for (let bytes = 15; bytes < needed; bytes++, cut++) run(guard, packet.subarray(0, bytes))
  }
  t.same(await verdicts(guard), { malformed: cut })
  const shortHeader = ethernet(etherTypes.ipv4, [0x41, ...options.slice(1)])
  t.equal(run(guard, shortHeader), XDP_DROP, 'a header length below 20 bytes')
})

t.test('with port 0 every packet of IP is guarded', async (t) => {
  using guard = await loadProgram('guard', { globals: { guard_allowed_only: true } })
  const icmp = ethernet(etherTypes.ipv4, ipv4({ source: stranger, protocol: protocols.icmp }, [8, 0, 0, 0]))
  t.equal(run(guard, icmp), XDP_DROP)
})

t.test('neighbour discovery passes with port 0 too, if it is from the link', async (t) => {
  using guard = await loadProgram('guard', { globals: { guard_allowed_only: true } })
  const icmpv6 = (type: number, hopLimit: number) =>
    ethernet(
      etherTypes.ipv6,
      ipv6(ipv6Address(1, 1), protocols.icmpv6, [type, ...new Uint8Array(23)], hopLimit),
    )
  t.equal(run(guard, icmpv6(135, 255)), XDP_PASS)
  t.equal(run(guard, icmpv6(137, 255)), XDP_PASS)
  t.equal(run(guard, icmpv6(135, 64)), XDP_DROP, 'forwarded: forged')
  t.equal(run(guard, icmpv6(128, 255)), XDP_DROP, 'a ping')
  t.equal(run(guard, icmpv6(138, 255)), XDP_DROP)
})
