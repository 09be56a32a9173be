import t from 'tap'
import { loadProgram, type LoadedProgram } from '../support/loaded-program.ts'
import { ethernet, etherTypes, ipv4, ipv6, ipv6Address, protocols, udp } from '../support/packets.ts'

const XDP_DROP = 1
const XDP_PASS = 2
const TCX_NEXT = 0xffffffff
const TCX_DROP = 2
const TCX_REDIRECT = 7
const mode = { off: 0, all: 1, share: 2, burst: 3 }
const match = { all: 0, probes: 1, forwarded: 2 }
const port = 7946
const label = 0x0807060504030201n

/** A datagram of x0t: type, and the label of its destination 16 bytes in. */
const datagram = (type: number, lastOfLabel = 8) => [
  type,
  ...new Uint8Array(15),
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  lastOfLabel,
  ...new Uint8Array(24),
]
const over4 = (payload: readonly number[], vlans: readonly number[] = []) =>
  ethernet(
    etherTypes.ipv4,
    ipv4({ source: '198.51.100.7', protocol: protocols.udp, optionWords: 1 }, udp({ target: port }, payload)),
    vlans,
  )
const over6 = (payload: readonly number[]) =>
  ethernet(etherTypes.ipv6, ipv6(ipv6Address(1, 1), protocols.udp, udp({ target: port }, payload)))
const neighbourSolicitation = ethernet(
  etherTypes.ipv6,
  ipv6(ipv6Address(1, 1), protocols.icmpv6, [135, ...new Uint8Array(23)]),
)
const arp = ethernet(etherTypes.arp, new Uint8Array(28))

const kinds = [
  { program: 'x0t_fault_xdp', drops: XDP_DROP, passes: XDP_PASS },
  { program: 'x0t_fault_tc', drops: TCX_DROP, passes: TCX_NEXT },
] as const

const counts = (fault: LoadedProgram, slot = 0) => {
  const { seen, matched, dropped } = fault.get('fault_injectors', slot)!
  return { seen, matched, dropped }
}

for (const { program, drops, passes } of kinds) {
  t.test(`${program}: a switch that is off drops nothing, and one that is on everything`, async (t) => {
    using fault = await loadProgram('fault')
    const run = (packet: Uint8Array) => fault.program(program).testRun(packet).verdict
    t.equal(run(over4([])), passes)
    fault.set('fault_injectors', 0, { mode: mode.all })
    for (const packet of [over4([]), over6([]), arp, neighbourSolicitation]) t.equal(run(packet), drops)
    t.same(counts(fault), { seen: 4n, matched: 4n, dropped: 4n })
    fault.set('fault_injectors', 0, { mode: mode.off })
    t.equal(run(arp), passes)
  })

  t.test(
    `${program}: only probes, of daemons and of kernels, are dropped where that is wanted`,
    async (t) => {
      using fault = await loadProgram('fault')
      const run = (packet: Uint8Array) => fault.program(program).testRun(packet).verdict
      fault.set('fault_injectors', 0, { mode: mode.all, match: match.probes })
      for (const type of [0x11, 0x15, 0x16]) {
        t.equal(run(over4(datagram(type))), drops)
        t.equal(run(over4(datagram(type), [7, 8])), drops, 'behind two tags')
        t.equal(run(over6(datagram(type))), drops)
      }
      for (const packet of [over4(datagram(0x10)), over4(datagram(0x13)), over4([]), arp])
        t.equal(run(packet), passes)
      // Port 7946 is 0x1f0a; the field holds its bytes as they lie in a packet.
      fault.set('fault_injectors', 0, { mode: mode.all, match: match.probes, port: 0x1f0b })
      t.equal(run(over4(datagram(0x11))), passes, 'of another port')
      fault.set('fault_injectors', 0, { mode: mode.all, match: match.probes, port: 0x0a1f })
      t.equal(run(over4(datagram(0x11))), drops)
    },
  )

  t.test(`${program}: only data for others is dropped where that is wanted`, async (t) => {
    using fault = await loadProgram('fault')
    const run = (packet: Uint8Array) => fault.program(program).testRun(packet).verdict
    fault.set('fault_injectors', 0, { mode: mode.all, match: match.forwarded, label })
    t.equal(run(over4(datagram(0x10, 8))), passes, 'for the node itself')
    t.equal(run(over4(datagram(0x10, 9))), drops)
    t.equal(run(over6(datagram(0x10, 9))), drops)
    t.equal(run(over4(datagram(0x11, 9))), passes, 'a probe')
    t.equal(run(over4([0x10, 1, 2])), passes, 'too short for a label')
  })

  t.test(
    `${program}: a seeded share drops what its generator says, and neighbour discovery never`,
    async (t) => {
      using fault = await loadProgram('fault')
      fault.set('fault_injectors', 0, { mode: mode.share, share: 2500, random: 42n })
      fault.program(program).testRun(over4([]), { repeat: 1000 })
      fault.program(program).testRun(neighbourSolicitation, { repeat: 10 })
      fault.program(program).testRun(arp, { repeat: 10 })
      const draws = randomDraws(42n)
      const dropped = Array.from({ length: 1000 }, () => draws()).filter((draw) => draw < 2500).length
      t.same(counts(fault), { seen: 1020n, matched: 1000n, dropped: BigInt(dropped) })
    },
  )

  t.test(`${program}: bursts follow the two states of Gilbert and Elliott`, async (t) => {
    using fault = await loadProgram('fault')
    const chances = { good_to_bad: 500, bad_to_good: 2000, good_share: 100, bad_share: 8000 }
    fault.set('fault_injectors', 0, { mode: mode.burst, ...chances, random: 7n })
    fault.program(program).testRun(over4([]), { repeat: 1000 })
    const draw = randomDraws(7n)
    let isBad = false
    let dropped = 0
    for (let packet = 0; packet < 1000; packet++) {
      if (draw() < (isBad ? chances.bad_to_good : chances.good_to_bad)) isBad = !isBad
      if (draw() < (isBad ? chances.bad_share : chances.good_share)) dropped++
    }
    t.equal(counts(fault).dropped, BigInt(dropped))
    t.ok(dropped > 20, `${dropped} packets in bursts`)
  })
}

t.test('without a seed the kernel draws: all at a share of 10,000, none at 0', async (t) => {
  using fault = await loadProgram('fault')
  fault.set('fault_injectors', 0, { mode: mode.share, share: 10_000 })
  fault.program('x0t_fault_xdp').testRun(over4([]), { repeat: 100 })
  t.equal(counts(fault).dropped, 100n)
  fault.set('fault_injectors', 0, { mode: mode.share, share: 0 })
  fault.program('x0t_fault_xdp').testRun(over4([]), { repeat: 100 })
  t.equal(counts(fault).dropped, 0n)
})

t.test('an injector has a slot of its own, and its counts are metrics', async (t) => {
  using fault = await loadProgram('fault', { globals: { fault_slot: 5 } })
  fault.set('fault_injectors', 5, { mode: mode.all })
  fault.program('x0t_fault_xdp').testRun(over4([]), { repeat: 3 })
  t.same(await fault.values('x0t_fault_dropped_total', 'slot'), { '5': 3 })
  t.same(await fault.values('x0t_fault_seen_total', 'slot'), { '5': 3 })
})

t.test('a slot beyond the map, or that of an interface without one, passes', async (t) => {
  using fault = await loadProgram('fault', { globals: { fault_slot: 0xffffffff } })
  // Test runs come in on the loopback, whose index is 1.
  fault.set('fault_injectors', 1, { mode: mode.all })
  t.equal(fault.program('x0t_fault_xdp').testRun(over4([])).verdict, XDP_DROP)
  using beyond = await loadProgram('fault', { globals: { fault_slot: 256 } })
  t.equal(beyond.program('x0t_fault_xdp').testRun(over4([])).verdict, XDP_PASS)
  t.equal(beyond.program('x0t_fault_tc').testRun(over4([])).verdict, TCX_NEXT)
})

t.test(
  'what an injector on tcx does not drop it leads on, where it is told by which interface',
  async (t) => {
    using fault = await loadProgram('fault')
    fault.set('fault_injectors', 0, { mode: mode.all, match: match.probes, redirect_ifindex: 1 })
    t.equal(fault.program('x0t_fault_tc').testRun(over4(datagram(0x11))).verdict, TCX_DROP)
    t.equal(fault.program('x0t_fault_tc').testRun(arp).verdict, TCX_REDIRECT)
  },
)

/** Marsaglia's xorshift64 with 13, 7, 17; each draw scales its upper half to [0, 10000). */
function randomDraws(seed: bigint): () => number {
  let x = seed
  return () => {
    x ^= BigInt.asUintN(64, x << 13n)
    x ^= x >> 7n
    x ^= BigInt.asUintN(64, x << 17n)
    return Number(((x >> 32n) * 10_000n) >> 32n)
  }
}
