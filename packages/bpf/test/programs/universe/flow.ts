import t from 'tap'
import { loadProgram } from '../support/loaded-program.ts'
import { ip, run } from '../support/network.ts'
import { ethernet, etherTypes, ipv4, ipv6, ipv6Address, protocols, udp } from '../support/packets.ts'

const TCX_NEXT = 0xffffffff

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
  t.same(await flow.values('x0t_peer_packets_total', 'peer'), { '192.0.2.130': 2 })
})
