import t from 'tap'
import { loadProgram } from '../support/loaded-program.ts'
import { ifindexOf, ip } from '../support/network.ts'
import { ethernet, etherTypes, ipv4, protocols, udp } from '../support/packets.ts'

const frame = ethernet(
  etherTypes.ipv4,
  ipv4({ source: '198.51.100.7', protocol: protocols.udp }, udp({ target: 9 }, new Uint8Array(18))),
)

t.test('a frame goes out as it is, or with source ports in turn', async (t) => {
  using plain = await loadProgram('gen')
  const { verdict, packet } = plain.program('x0t_gen').testRun(frame)
  t.equal(verdict, 3, 'XDP_TX')
  t.same(packet, frame)
  using flows = await loadProgram('gen', { globals: { gen_flows: 3, gen_first_port: 5000, gen_ifindex: 1 } })
  const ports = Array.from({ length: 4 }, () => {
    const result = flows.program('x0t_gen').testRun(frame)
    t.equal(result.verdict, 4, 'XDP_REDIRECT')
    return Buffer.from(result.packet).readUInt16BE(34)
  })
  // Each processor counts for itself; the test runs may be on any.
  t.ok(
    ports.every((port) => port >= 5000 && port <= 5002),
    ports.join(', '),
  )
})

t.test('live frames arrive at the other end of the link', async (t) => {
  ip('netns add far')
  ip('link add near type veth peer name eth0 netns far')
  ip('link set near up')
  ip('-n far link set eth0 up')
  using gen = await loadProgram('gen', { globals: { gen_ifindex: ifindexOf('near') } })
  using receiver = await loadProgram('gen')
  // The driver takes frames for an end whose other end has an XDP program or GRO.
  ip('netns exec far ethtool -K eth0 gro on')
  receiver.attach('x0t_gen', { kind: 'xdp', interface: 'near' })
  const before = received()
  gen.program('x0t_gen').sendLive(frame, { count: 200, ifindex: ifindexOf('near') })
  t.same(await gen.metric('x0t_gen_packets_total'), [{ labels: {}, value: 200 }])
  t.same(await gen.metric('x0t_gen_bytes_total'), [{ labels: {}, value: 200 * frame.length }])
  t.ok(received() - before >= 200, `${received() - before} arrived`)
})

/** Packets that the far end received. */
function received(): number {
  const [link] = JSON.parse(ip('-j -s -n far link show dev eth0')) as [
    { readonly stats64: { readonly rx: { readonly packets: number } } },
  ]
  return link.stats64.rx.packets
}
