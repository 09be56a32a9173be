import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { loadProgram, type LoadedProgram } from '../support/loaded-program.ts'
import { ip, run, until } from '../support/network.ts'
import { ethernet, etherTypes, ipv4, ipv6, ipv6Address, protocols, udp } from '../support/packets.ts'

const TCX_NEXT = 0xffffffff

/** Counters in the maps are late by a timer: waits until so many packets are in them. */
async function counted(flow: LoadedProgram, direction: 'ingress' | 'egress', packets: number): Promise<void> {
  await until(async () => {
    const [total] = await flow.metric(`x0tta6bl4_ebpf_packets_${direction}_total`)
    return total !== undefined && 'value' in total && total.value >= packets
  })
}

t.test('packets and bytes are counted by peer, direction and protocol', async (t) => {
  using flow = await loadProgram('flow')
  const payload = udp({ target: 9 }, new Uint8Array(100))
  const four = ethernet(etherTypes.ipv4, ipv4({ source: '198.51.100.7', protocol: protocols.udp }, payload))
  const six = ethernet(etherTypes.ipv6, ipv6(ipv6Address(1, 1), protocols.udp, payload))
  const tagged = ethernet(
    etherTypes.ipv4,
    ipv4({ source: '198.51.100.8', protocol: protocols.udp }, payload),
    [7],
  )
  const arp = ethernet(etherTypes.arp, new Uint8Array(28))
  const incoming = flow.program('x0t_flow_in')
  for (const packet of [four, six, tagged, arp])
    t.equal(incoming.testRun(packet, { repeat: 3 }).verdict, TCX_NEXT)
  t.equal(flow.program('x0t_flow_out').testRun(four).verdict, TCX_NEXT)
  await counted(flow, 'ingress', 12)
  await counted(flow, 'egress', 1)

  t.same(await flow.values('x0t_peer_packets_total', 'peer'), {
    '198.51.100.7': 3,
    '2001:db8:0:1::1': 3,
    '198.51.100.8': 3,
    // Of what goes out the peer is the destination, which packets.ts always makes 192.0.2.254.
    '192.0.2.254': 1,
  })
  const bytes = await flow.values('x0t_peer_bytes_total', 'peer')
  t.equal(bytes['198.51.100.7'], 3 * (14 + 20 + 8 + 100))
  t.equal(bytes['2001:db8:0:1::1'], 3 * (14 + 40 + 8 + 100))
  t.same(await flow.values('x0t_peer_packets_total', 'protocol'), { udp: 10 })
  const total = async (name: string) => (await flow.metric(`x0tta6bl4_ebpf_${name}_total`))[0]
  t.same(await total('packets_ingress'), { labels: {}, value: 12 }, 'ARP as well')
  t.same(await total('packets_egress'), { labels: {}, value: 1 })
  t.same(await total('bytes_egress'), { labels: {}, value: 142 })
})

t.test('pings over a link are counted as the interface counts them', async (t) => {
  ip('netns add far')
  ip('link add near type veth peer name eth0 netns far')
  ip('link set near addrgenmode none up')
  ip('-n far link set eth0 addrgenmode none up')
  ip('address add 192.0.2.1/24 dev near')
  ip('-n far address add 192.0.2.2/24 dev eth0')
  using flow = await loadProgram('flow')
  flow.attach('x0t_flow_in', { kind: 'tcx', interface: 'near', direction: 'ingress' })
  flow.attach('x0t_flow_out', { kind: 'tcx', interface: 'near', direction: 'egress' })
  run('ping', '-n', '-c', '4', '-i', '0.02', '-s', '500', '192.0.2.2')
  // Questions and answers of ARP, and the pings.
  await counted(flow, 'ingress', 5)
  await counted(flow, 'egress', 5)
  const samples = await flow.metric('x0t_peer_bytes_total')
  const icmp = samples.filter(({ labels }) => labels['protocol'] === 'icmp')
  // Four times 14 bytes of Ethernet, 20 of IPv4, 8 of ICMP and 500 of data, each way.
  t.same(
    icmp.toSorted((one, other) => one.labels['direction']!.localeCompare(other.labels['direction']!)),
    ['egress', 'ingress'].map((direction) => ({
      labels: { peer: '192.0.2.2', direction, protocol: 'icmp' },
      value: 4 * 542,
    })),
  )
  const [age] = await flow.metric('x0t_peer_last_seen_seconds')
  t.ok(age !== undefined && 'value' in age && age.value < 60 && age.value > -1, JSON.stringify(age))
})

t.test('devices without a link header are read alike', async (t) => {
  ip('tuntap add mode tun tun9')
  // No IPv6, whose multicast reports would be counted.
  ip('link set tun9 addrgenmode none up')
  ip('address add 192.0.2.129 peer 192.0.2.130 dev tun9')
  using flow = await loadProgram('flow')
  flow.attach('x0t_flow_out', { kind: 'tcx', interface: 'tun9', direction: 'egress' })
  // Nobody answers, since nobody reads the device: ping fails, and what it sent was seen.
  t.throws(() => run('ping', '-n', '-c', '2', '-i', '0.02', '-W', '0.1', '192.0.2.130'))
  await counted(flow, 'egress', 2)
  t.same(await flow.values('x0t_peer_packets_total', 'peer'), { '192.0.2.130': 2 })
})

t.test('peers that share a place count each for itself, however they alternate', async (t) => {
  using flow = await loadProgram('flow')
  const incoming = flow.program('x0t_flow_in')
  const payload = udp({ target: 9 }, new Uint8Array(10))
  const sources = Array.from({ length: 60 }, (_, host) => `198.51.100.${host + 1}`)
  for (let round = 0; round < 5; round++)
    for (const source of sources)
      incoming.testRun(ethernet(etherTypes.ipv4, ipv4({ source, protocol: protocols.udp }, payload)))
  for (let host = 1; host <= 30; host++)
    incoming.testRun(ethernet(etherTypes.ipv6, ipv6(ipv6Address(host, host), protocols.udp, payload)), {
      repeat: host,
    })
  await counted(flow, 'ingress', 300 + 465)
  const packets = await flow.values('x0t_peer_packets_total', 'peer')
  for (const source of sources) t.equal(packets[source], 5, source)
  for (let host = 1; host <= 30; host++) {
    const text = host.toString(16)
    t.equal(packets[`2001:db8:0:${text}::${text}`], host)
  }
})

t.test('many packets of one peer are in the maps before the timer, all of them after it', async (t) => {
  using flow = await loadProgram('flow')
  const packet = ethernet(etherTypes.ipv4, ipv4({ source: '198.51.100.7', protocol: protocols.udp }, []))
  flow.program('x0t_flow_in').testRun(packet, { repeat: 100_000 })
  await counted(flow, 'ingress', 100_000)
  t.same(await flow.values('x0t_peer_packets_total', 'peer'), { '198.51.100.7': 100_000 })
  const [total] = await flow.metric('x0tta6bl4_ebpf_bytes_ingress_total')
  t.same(total, { labels: {}, value: 100_000 * 34 })
})

t.test('a peer that sends much does not keep the counts of another back', async (t) => {
  // Each CPU has counts and a timer of its own.
  run('taskset', '-a', '-c', '-p', '0', String(process.pid))
  using flow = await loadProgram('flow')
  const incoming = flow.program('x0t_flow_in')
  const from = (source: string): Uint8Array =>
    ethernet(etherTypes.ipv4, ipv4({ source, protocol: protocols.udp }, []))
  incoming.testRun(from('198.51.100.7'))
  let quiet: number | undefined
  // Five times as long as a count may be late, and never so long a pause.
  for (const end = Date.now() + 250; Date.now() < end;) {
    incoming.testRun(from('198.51.100.9'), { repeat: 3000 })
    quiet = (await flow.values('x0t_peer_packets_total', 'peer'))['198.51.100.7']
  }
  t.equal(quiet, 1)
})

t.test('where no timer can be had, packets are in the maps at once', async (t) => {
  using flow = await loadProgram('flow')
  // The kernel keeps timers only in maps that someone has open.
  flow.map('x0t_flow_timers')[Symbol.dispose]()
  const packet = ethernet(etherTypes.ipv4, ipv4({ source: '198.51.100.7', protocol: protocols.udp }, []))
  const incoming = flow.program('x0t_flow_in')
  for (let sent = 1; sent <= 3; sent++) {
    incoming.testRun(packet)
    t.same(await flow.values('x0t_peer_packets_total', 'peer'), { '198.51.100.7': sent })
  }
  incoming.testRun(packet, { repeat: 10_000 })
  t.same(await flow.values('x0t_peer_packets_total', 'peer'), { '198.51.100.7': 10_003 })
})

t.test('no address of the link or of the packet makes one look like the other', async (t) => {
  using flow = await loadProgram('flow')
  const payload = udp({ target: 9 }, new Uint8Array(10))
  const four = ethernet(etherTypes.ipv4, ipv4({ source: '198.51.100.7', protocol: protocols.udp }, payload))
  const six = ethernet(etherTypes.ipv6, ipv6(ipv6Address(1, 1), protocols.udp, payload))
  // The first byte of the destination looks like that of IPv4, and of IPv6.
  for (const first of [0x46, 0x45, 0x62]) {
    four[0] = first
    six[0] = first
    flow.program('x0t_flow_in').testRun(four)
    flow.program('x0t_flow_in').testRun(six)
  }
  await counted(flow, 'ingress', 6)
  t.same(await flow.values('x0t_peer_packets_total', 'peer'), { '198.51.100.7': 3, '2001:db8:0:1::1': 3 })

  // Of a packet without link header from 8.0.69.1, bytes 12 to 14 are those of an Ethernet header and IPv4 behind it.
  ip('tuntap add mode tun tun8')
  ip('link set tun8 addrgenmode none up')
  ip('address add 8.0.69.1 peer 192.0.2.131 dev tun8')
  flow.attach('x0t_flow_out', { kind: 'tcx', interface: 'tun8', direction: 'egress' })
  t.throws(() => run('ping', '-n', '-c', '2', '-i', '0.02', '-W', '0.1', '192.0.2.131'))
  await counted(flow, 'egress', 2)
  t.equal((await flow.values('x0t_peer_packets_total', 'peer'))['192.0.2.131'], 2)
})

t.test('signals while the kernel looks at a program do not keep it from being loaded', async (t) => {
  let came = 0
  const count = (): void => void came++
  process.on('SIGUSR2', count)
  const sender = spawn('sh', ['-c', `while kill -USR2 ${process.pid}; do sleep 0.01; done`])
  t.teardown(() => sender.kill('SIGKILL'))
  for (let load = 0; load < 60; load++) {
    using flow = await loadProgram('flow')
    t.ok(flow.program('x0t_flow_in'))
  }
  t.ok(came > 5, `${came} signals came`)
  sender.kill()
  await once(sender, 'exit')
  process.off('SIGUSR2', count)
})
